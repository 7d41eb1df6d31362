// A page in the portal: what identity providers sent, how it was answered, what needs an admin.

@description('Region of the workbook.')
param location string

@description('Tags of the workbook.')
param tags object

@description('Workspace that the queries read.')
param workspaceId string

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(workspaceId, 'provisioning')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Rollcall provisioning'
    category: 'workbook'
    sourceId: workspaceId
    serializedData: loadTextContent('workbook.json')
  }
}
