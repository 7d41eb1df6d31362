// Where telemetry goes, and who is told.

@description('Name of the workspace.')
param workspaceName string

@description('Name of Application Insights.')
param insightsName string

@description('Name of the action group.')
param actionGroupName string

@description('Region of the resources.')
param location string

@description('Tags of the resources.')
param tags object

@description('Addresses that alerts are mailed to.')
param alertEmails array

@description('Days that telemetry is kept.')
param retentionDays int

// No daily cap: it would silence the alerts.
resource workspace 'Microsoft.OperationalInsights/workspaces@2025-07-01' = {
  name: workspaceName
  location: location
  tags: tags
  properties: {
    sku: {
      name: 'PerGB2018'
    }
    retentionInDays: retentionDays
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: insightsName
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
    DisableLocalAuth: true
  }
}

resource admins 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: actionGroupName
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'rollcall'
    enabled: true
    emailReceivers: [for (each, i) in alertEmails: {
      name: 'admin-${i}'
      emailAddress: each
      useCommonAlertSchema: true
    }]
  }
}

@description('Resource id of the workspace.')
output workspaceId string = workspace.id

@description('Resource id of Application Insights.')
output insightsId string = insights.id

@description('Where the app sends telemetry; not a secret, since keys are off.')
output connectionString string = insights.properties.ConnectionString

@description('Resource id of the action group.')
output actionGroupId string = admins.id
