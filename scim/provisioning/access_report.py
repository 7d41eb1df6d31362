// Plan and app. The app's settings are a module of their own, because they are merged.

@description('Name of the plan.')
param planName string

@description('Name of the app; it becomes its host name.')
param name string

@description('Region of plan and app.')
param location string

@description('Tags of plan and app.')
param tags object

@description('Resource id of the identity that the app runs as.')
param identityId string

@description('Address of the container that holds the deployed package.')
param packageUrl string

@description('Memory of an instance in MB: 2048 has one core.')
param instanceMemoryMB int

@description('Most instances at once.')
param maximumInstances int

@description('Instances that are always warm; 0 is none.')
param alwaysReadyInstances int

@description('Whether instances are spread over availability zones.')
param zoneRedundant bool

@description('Subnet for outgoing calls; empty is none.')
param subnetId string

@description('Rules of who may call; empty is everyone.')
param ipRules array

@description('Settings that apply where neither the portal nor a parameter says otherwise.')
param defaultSettings object

@description('Settings that parameters name; they win over the portal.')
param declaredSettings object

@description('Settings that the platform and this deployment need; they win over everything.')
param platformSettings object

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  // checkov:skip=CKV_AZURE_225:zone redundancy is a parameter; not every region has it
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
    zoneRedundant: zoneRedundant
  }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  // checkov:skip=CKV_AZURE_17:identity providers have no client certificates; they send a token
  // checkov:skip=CKV_AZURE_212:Flex Consumption scales by itself; warm instances are a parameter
  // checkov:skip=CKV_AZURE_213:Flex Consumption has no health check path; an alert tells of silence
  // checkov:skip=CKV_AZURE_222:identity providers call over the internet; restrictAccess narrows it
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': 'api' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    publicNetworkAccess: 'Enabled'
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    functionAppConfig: {
      runtime: {
        name: 'python'
        version: '3.13'
      }
      deployment: {
        storage: {
          type: 'blobContainer'
          value: packageUrl
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstances
        alwaysReady: alwaysReadyInstances == 0 ? [] : [
          {
            name: 'http'
            instanceCount: alwaysReadyInstances
          }
        ]
        triggers: {
          http: {
            perInstanceConcurrency: 16
          }
        }
      }
      // Else each deployment, and each change of a setting, kills the requests in flight.
      #disable-next-line BCP037 // a preview that the published types do not have yet
      siteUpdateStrategy: {
        type: 'RollingUpdate'
      }
    }
    // No appSettings here: they would replace what admins have set in the portal.
    siteConfig: {
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      http20Enabled: true
      ftpsState: 'Disabled'
      ipSecurityRestrictions: ipRules
      ipSecurityRestrictionsDefaultAction: empty(ipRules) ? 'Allow' : 'Deny'
    }
  }
}

// Deployments log in with Entra ID; user names and passwords are off.
resource publishing 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = [for each in ['ftp', 'scm']: {
  parent: app
  name: each
  properties: {
    allow: false
  }
}]

module settings 'appsettings.bicep' = {
  name: 'appsettings'
  params: {
    appName: app.name
    defaults: defaultSettings
    current: list('${app.id}/config/appsettings', '2025-03-01').properties
    declared: declaredSettings
    platform: platformSettings
  }
}

@description('Name of the app.')
output name string = app.name

@description('Resource id of the app.')
output id string = app.id

@description('Host name that the platform gives the app.')
output hostName string = app.properties.defaultHostName

@description('What a TXT record has to say before a custom domain is bound.')
output domainVerification string = app.properties.customDomainVerificationId
