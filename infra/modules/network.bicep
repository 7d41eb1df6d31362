// Private networking: the app reaches storage and vault through private endpoints alone.

@description('Name of the virtual network.')
param name string

@description('Region of the network.')
param location string

@description('Tags of the network.')
param tags object

@description('Addresses of the whole network.')
param addressPrefix string

@description('Addresses of the app\'s subnet: /27 or larger.')
param appPrefix string

@description('Addresses of the private endpoints\' subnet.')
param endpointPrefix string

@description('Resource id of the storage account.')
param storageId string

@description('Resource id of the Key Vault.')
param vaultId string

var endpoints = [
  {
    group: 'blob'
    resourceId: storageId
    zone: 'privatelink.blob.${environment().suffixes.storage}'
  }
  {
    group: 'table'
    resourceId: storageId
    zone: 'privatelink.table.${environment().suffixes.storage}'
  }
  {
    group: 'vault'
    resourceId: vaultId
    zone: 'privatelink.vaultcore.azure.net'
  }
]

resource guard 'Microsoft.Network/networkSecurityGroups@2025-09-01' = {
  name: 'nsg-${name}'
  location: location
  tags: tags
}

resource network 'Microsoft.Network/virtualNetworks@2025-09-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    addressSpace: {
      addressPrefixes: [addressPrefix]
    }
    subnets: [
      {
        name: 'app'
        properties: {
          addressPrefix: appPrefix
          networkSecurityGroup: {
            id: guard.id
          }
          delegations: [
            {
              name: 'flex-consumption'
              properties: {
                serviceName: 'Microsoft.App/environments'
              }
            }
          ]
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: endpointPrefix
          networkSecurityGroup: {
            id: guard.id
          }
          privateEndpointNetworkPolicies: 'NetworkSecurityGroupEnabled'
        }
      }
    ]
  }
}

resource zone 'Microsoft.Network/privateDnsZones@2024-06-01' = [for each in endpoints: {
  name: each.zone
  location: 'global'
  tags: tags
}]

resource link 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [for (each, i) in endpoints: {
  parent: zone[i]
  name: name
  location: 'global'
  tags: tags
  properties: {
    registrationEnabled: false
    virtualNetwork: {
      id: network.id
    }
  }
}]

resource endpoint 'Microsoft.Network/privateEndpoints@2025-09-01' = [for each in endpoints: {
  name: 'pep-${each.group}-${name}'
  location: location
  tags: tags
  properties: {
    subnet: {
      id: '${network.id}/subnets/endpoints'
    }
    privateLinkServiceConnections: [
      {
        name: each.group
        properties: {
          privateLinkServiceId: each.resourceId
          groupIds: [each.group]
        }
      }
    ]
  }
}]

resource record 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2025-09-01' = [for (each, i) in endpoints: {
  parent: endpoint[i]
  name: 'default'
  properties: {
    privateDnsZoneConfigs: [
      {
        name: each.group
        properties: {
          privateDnsZoneId: zone[i].id
        }
      }
    ]
  }
}]

@description('Subnet for the app\'s outgoing calls.')
output appSubnetId string = '${network.id}/subnets/app'
