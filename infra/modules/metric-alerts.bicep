// What is mailed to the admins about the services behind the app, from their own metrics.

@description('Tags of the rules.')
param tags object

@description('Whom to tell.')
param actionGroupId string

@description('Resource id of the storage account.')
param storageId string

@description('Resource id of the Key Vault.')
param vaultId string

var metrics = [
  {
    name: 'vault-errors'
    title: 'Key Vault refuses or fails'
    meaning: 'Known tokens go on working for 15 minutes; new ones are answered 503.'
    scope: vaultId
    namespace: 'Microsoft.KeyVault/vaults'
    metric: 'ServiceApiResult'
    aggregation: 'Count'
    dimension: 'StatusCode'
    values: ['403', '429', '500', '502', '503', '504']
    moreThan: 5
  }
  {
    name: 'table-errors'
    title: 'Table Storage is throttled or fails'
    meaning: 'Calls are answered 503 with Retry-After, and identity providers repeat them.'
    scope: '${storageId}/tableServices/default'
    namespace: 'Microsoft.Storage/storageAccounts/tableServices'
    metric: 'Transactions'
    aggregation: 'Total'
    dimension: 'ResponseType'
    values: ['ServerBusyError', 'ServerTimeoutError', 'ServerOtherError', 'ClientThrottlingError', 'AuthorizationError', 'NetworkError']
    moreThan: 20
  }
]

resource metric 'Microsoft.Insights/metricAlerts@2018-03-01' = [for each in metrics: {
  name: 'rollcall-${each.name}'
  location: 'global'
  tags: tags
  properties: {
    description: '${each.title}. ${each.meaning}'
    severity: 2
    enabled: true
    scopes: [each.scope]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    autoMitigate: true
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: each.name
          metricNamespace: each.namespace
          metricName: each.metric
          timeAggregation: each.aggregation
          operator: 'GreaterThan'
          threshold: each.moreThan
          dimensions: [
            {
              name: each.dimension
              operator: 'Include'
              values: each.values
            }
          ]
        }
      ]
    }
    actions: [
      {
        actionGroupId: actionGroupId
      }
    ]
  }
}]
