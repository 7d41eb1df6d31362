// One installation of Rollcall in a resource group of its own. infra/README.md explains it.
targetScope = 'subscription'

import { Settings } from 'settings.bicep'

@description('Name of the installation; part of the names of its resources.')
@minLength(1)
@maxLength(32)
param environmentName string

@description('Region of all resources; it has to offer Flex Consumption.')
param location string

@description('Resource group, created if it is missing.')
param resourceGroupName string = 'rg-${environmentName}'

@description('Addresses that alerts are mailed to.')
param alertEmails string[] = []

@description('App settings to declare; all others stay as they are in the portal.')
param settings Settings = {}

@description('Memory of an instance in MB; 2048 has one core.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048

@description('Most instances at once.')
@minValue(40)
@maxValue(1000)
param maximumInstances int = 40

@description('Instances that are always warm; 0 costs nothing, and the first call after a pause waits.')
@minValue(0)
param alwaysReadyInstances int = 1

@description('Spread instances over availability zones, where the region has them; at least two are then kept warm, if any.')
param zoneRedundant bool = false

@description('Redundancy of the storage account; choose before the first deployment.')
@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GRS', 'Standard_GZRS', 'Standard_RAGRS', 'Standard_RAGZRS'])
param storageSku string = 'Standard_ZRS'

@description('Keep the storage account and the vault from being deleted, by locks.')
param lockData bool = true

@description('Days that telemetry is kept.')
@minValue(30)
@maxValue(730)
param telemetryDays int = 90

@description('Let the app reach storage and vault through private endpoints alone.')
param privateNetworking bool = false

@description('Addresses of the virtual network, /26 or larger; only with private networking.')
param networkPrefix string = '10.80.0.0/24'

@description('Admit only Entra\'s provisioning service and allowedAddresses.')
param restrictAccess bool = false

@description('Further address ranges (CIDR) that may call: admins, and identity providers other than Entra.')
param allowedAddresses string[] = []

@description('Host name of your own, such as scim.example.com; empty is the app\'s own.')
param customDomain string = ''

@description('Certificate of the custom domain: PFX without a password, in base64, as Key Vault keeps it.')
@secure()
param certificate string = ''

var unique = uniqueString(subscription().id, environmentName, location)
var tags = { 'azd-env-name': environmentName }
var tableName = settings.?TABLE_NAME ?? 'rollcall'
var publicNetworkAccess = privateNetworking ? 'Disabled' : 'Enabled' // of storage and vault
var deploymentContainer = 'deployment'
var ipRules = concat(
  [{ name: 'Entra', tag: 'ServiceTag', ipAddress: 'AzureActiveDirectory', action: 'Allow', priority: 100 }],
  map(allowedAddresses, (range, i) => { name: 'allowed-${i}', ipAddress: range, action: 'Allow', priority: 200 + i })
)

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: resourceGroupName
  location: location
  tags: tags
}

module identity 'modules/identity.bicep' = {
  scope: group
  params: { name: 'id-rollcall-${unique}', location: location, tags: tags }
}

module monitoring 'modules/monitoring.bicep' = {
  scope: group
  params: {
    workspaceName: 'log-rollcall-${unique}'
    insightsName: 'appi-rollcall-${unique}'
    actionGroupName: 'ag-rollcall-${unique}'
    location: location
    tags: tags
    alertEmails: alertEmails
    retentionDays: telemetryDays
  }
}

module storage 'modules/storage.bicep' = {
  scope: group
  params: {
    name: 'st${unique}'
    location: location
    tags: tags
    sku: storageSku
    tables: [tableName]
    deploymentContainer: deploymentContainer
    publicNetworkAccess: publicNetworkAccess
    locked: lockData
    workspaceId: monitoring.outputs.workspaceId
  }
}

module vault 'modules/keyvault.bicep' = {
  scope: group
  params: {
    name: 'kv-${unique}'
    location: location
    tags: tags
    publicNetworkAccess: publicNetworkAccess
    locked: lockData
    workspaceId: monitoring.outputs.workspaceId
  }
}

module access 'modules/access.bicep' = {
  scope: group
  params: {
    principalId: identity.outputs.principalId
    storageId: storage.outputs.id
    vaultId: vault.outputs.id
    insightsId: monitoring.outputs.insightsId
  }
}

module network 'modules/network.bicep' = if (privateNetworking) {
  scope: group
  params: {
    name: 'vnet-rollcall-${unique}'
    location: location
    tags: tags
    addressPrefix: networkPrefix
    appPrefix: cidrSubnet(networkPrefix, 27, 0)
    endpointPrefix: cidrSubnet(networkPrefix, 27, 1)
    storageId: storage.outputs.id
    vaultId: vault.outputs.id
  }
}

module functions 'modules/functions.bicep' = {
  scope: group
  dependsOn: [access]
  params: {
    planName: 'asp-rollcall-${unique}'
    name: 'func-rollcall-${unique}'
    location: location
    tags: tags
    identityId: identity.outputs.id
    packageUrl: '${storage.outputs.blobEndpoint}${deploymentContainer}'
    instanceMemoryMB: instanceMemoryMB
    maximumInstances: maximumInstances
    alwaysReadyInstances: zoneRedundant && alwaysReadyInstances > 0 ? max(2, alwaysReadyInstances) : alwaysReadyInstances
    zoneRedundant: zoneRedundant
    subnetId: privateNetworking ? network!.outputs.appSubnetId : ''
    ipRules: restrictAccess ? ipRules : []
    defaultSettings: union(
      { UPKEEP_SCHEDULE: '0 * * * * *' },
      empty(customDomain) ? {} : { PUBLIC_BASE_URL: 'https://${customDomain}' }
    )
    declaredSettings: mapValues(settings, value => string(value))
    platformSettings: {
      AZURE_CLIENT_ID: identity.outputs.clientId
      KEY_VAULT_URL: vault.outputs.uri
      TABLES_ENDPOINT: storage.outputs.tableEndpoint
      TABLE_NAME: tableName
      AzureWebJobsStorage__accountName: storage.outputs.name
      AzureWebJobsStorage__credential: 'managedidentity'
      AzureWebJobsStorage__clientId: identity.outputs.clientId
      APPLICATIONINSIGHTS_CONNECTION_STRING: monitoring.outputs.connectionString
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identity.outputs.clientId};Authorization=AAD'
      // The worker itself sends our records, because the host would drop their fields.
      PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY: 'true'
      PYTHON_APPLICATIONINSIGHTS_LOGGER_NAME: 'rollcall'
      OTEL_TRACES_SAMPLER: 'always_on' // else five requests a second are recorded at most
      OTEL_PYTHON_DISABLED_INSTRUMENTATIONS: 'azure_sdk' // a span per storage call costs more than the call
    }
  }
}

module domain 'modules/domain.bicep' = if (!empty(customDomain)) {
  scope: group
  params: {
    appName: functions.outputs.name
    location: location
    hostName: customDomain
    certificate: certificate
  }
}

module alerts 'modules/alerts.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    actionGroupId: monitoring.outputs.actionGroupId
  }
}

module metricAlerts 'modules/metric-alerts.bicep' = {
  scope: group
  params: {
    tags: tags
    actionGroupId: monitoring.outputs.actionGroupId
    storageId: storage.outputs.id
    vaultId: vault.outputs.id
  }
}

module workbook 'modules/workbook.bicep' = {
  scope: group
  params: { location: location, tags: tags, workspaceId: monitoring.outputs.workspaceId }
}

// azd keeps these as variables; infra/postdeploy.py reads them.
@description('Resource group of the installation.')
output AZURE_RESOURCE_GROUP string = group.name

@description('Address of Azure\'s own management API.')
output AZURE_RESOURCE_MANAGER string = environment().resourceManager

@description('Name of the app.')
output FUNCTION_APP_NAME string = functions.outputs.name

@description('Resource id of the app.')
output FUNCTION_APP_ID string = functions.outputs.id

@description('Address that the platform gives the app.')
output ROLLCALL_ORIGIN string = 'https://${functions.outputs.hostName}'

@description('What the TXT record of a custom domain has to say.')
output DOMAIN_VERIFICATION string = functions.outputs.domainVerification
