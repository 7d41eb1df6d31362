// Instantiates main with the strictest values, for checkers alone; never deployed.
targetScope = 'subscription'

@description('As main wants it.')
@secure()
param certificate string

module strict 'main.bicep' = {
  params: {
    environmentName: 'check'
    location: 'westeurope'
    alertEmails: ['admin@example.com']
    settings: {
      STRICT: true
      TABLE_NAME: 'rollcall'
      DELETE_USER_MEANS: 'disable'
      TOKEN_DAYS: 180
    }
    alwaysReadyInstances: 2
    zoneRedundant: true
    storageSku: 'Standard_GZRS'
    privateNetworking: true
    restrictAccess: true
    allowedAddresses: ['192.0.2.0/24']
    customDomain: 'scim.example.com'
    certificate: certificate
  }
}
