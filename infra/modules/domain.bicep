// The customer's own host name and certificate. The two DNS records come first: see infra/README.md.

@description('Name of the app.')
param appName string

@description('Region of the app.')
param location string

@description('Host name, such as scim.example.com.')
param hostName string

@description('Certificate with its private key: PFX without a password, in base64, as Key Vault keeps it.')
@secure()
param certificate string

resource app 'Microsoft.Web/sites@2025-03-01' existing = {
  name: appName
}

// Of the app, not of the plan: Flex Consumption knows no other. A template in JSON, because the
// published types do not describe it yet.
module imported 'site-certificate.json' = {
  name: 'site-certificate'
  params: {
    appName: app.name
    location: location
    name: replace(hostName, '.', '-')
    certificate: certificate
  }
}

resource binding 'Microsoft.Web/sites/hostNameBindings@2025-03-01' = {
  parent: app
  name: hostName
  properties: {
    siteName: appName
    hostNameType: 'Verified'
    sslState: 'SniEnabled'
    thumbprint: imported.outputs.thumbprint
  }
}
