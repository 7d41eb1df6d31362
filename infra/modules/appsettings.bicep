// The app's settings: a deployment adds to what admins have set in the portal.
// The platform replaces the collection as a whole, so it is read first and merged.

@description('Name of the app.')
param appName string

@description('What applies where neither the portal nor a parameter says otherwise.')
param defaults object

@description('What the app has now.')
@secure()
param current object

@description('What parameters name.')
param declared object

@description('What the platform and this deployment need.')
param platform object

resource app 'Microsoft.Web/sites@2025-03-01' existing = {
  name: appName
}

resource settings 'Microsoft.Web/sites/config@2025-03-01' = {
  // These checks mean the site's configuration; this is the list of app settings.
  // checkov:skip=CKV_AZURE_13:not a property of app settings; tokens are checked by the app
  // checkov:skip=CKV_AZURE_63:not a property of app settings
  // checkov:skip=CKV_AZURE_65:not a property of app settings
  // checkov:skip=CKV_AZURE_66:not a property of app settings
  // checkov:skip=CKV_AZURE_80:not a property of app settings, and no .NET is used
  // checkov:skip=CKV_AZURE_88:not a property of app settings, and the app keeps no files
  // checkov:skip=CKV_AZURE_222:not a property of app settings
  parent: app
  name: 'appsettings'
  properties: union(defaults, current, declared, platform)
}
