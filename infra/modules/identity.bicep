// One user-assigned identity: it exists before the app, so its roles do too.

@description('Name of the identity.')
param name string

@description('Region of the identity.')
param location string

@description('Tags of the identity.')
param tags object

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: name
  location: location
  tags: tags
}

@description('Resource id of the identity.')
output id string = identity.id

@description('What roles are assigned to.')
output principalId string = identity.properties.principalId

@description('What the app names when it asks for a token.')
output clientId string = identity.properties.clientId
