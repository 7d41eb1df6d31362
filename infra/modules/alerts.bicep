// What is mailed to the admins. A test compares the events and functions with the code.

@description('Region of the rules.')
param location string

@description('Tags of the rules.')
param tags object

@description('Workspace that the queries read.')
param workspaceId string

@description('Whom to tell.')
param actionGroupId string

@description('Resource id of the storage account.')
param storageId string

@description('Resource id of the Key Vault.')
param vaultId string

var records = 'AppTraces | extend event = tostring(Properties.event)'
var calls = 'AppRequests | extend status = toint(ResultCode)'
var timer = 'AppRequests | where Name has "upkeep" or OperationName has "upkeep"'

var rules = [
  {
    name: 'token-expiring'
    title: 'A token expires soon'
    meaning: 'Rotate it and paste the new one into the identity provider; GET /manage/v1/directories/{id}/tokens tells which.'
    query: '${records} | where event == "token_expiring"'
    severity: 2
    window: 'PT1H'
    moreThan: 0
  }
  {
    name: 'rules-held'
    title: 'New rules wait for a confirmation'
    meaning: 'They would withdraw access from many users. GET /manage/v1/rule-sync shows how many; confirm or cancel there.'
    query: '${records} | where event == "rules_held"'
    severity: 2
    window: 'PT1H'
    moreThan: 0
  }
  {
    name: 'defect'
    title: 'A fault in Rollcall itself'
    meaning: 'A call was answered 500; the record names the message id and the place in the code. Report it.'
    query: '${records} | where event == "defect"'
    severity: 1
    window: 'PT1H'
    moreThan: 0
  }
  {
    name: 'upkeep-put-off'
    title: 'The timer cannot reach storage or vault'
    meaning: 'Jobs wait. The record says what does not answer.'
    query: '${records} | where event == "upkeep_put_off"'
    severity: 2
    window: 'PT1H'
    moreThan: 5
  }
  {
    name: 'upkeep-failed'
    title: 'The timer fails'
    meaning: 'Often wrong app settings: GET /health/ready lists all problems.'
    query: '${timer} | where Success == false'
    severity: 1
    window: 'PT1H'
    moreThan: 2
  }
  {
    name: 'server-errors'
    title: 'Calls are answered with server errors'
    meaning: '503 is not counted: paused directories answer it, and alerts of their own watch storage and vault. 501 is a switch of the policy.'
    query: '${calls} | where status >= 500 and status !in (501, 503)'
    severity: 1
    window: 'PT15M'
    moreThan: 4
  }
  {
    name: 'tokens-refused'
    title: 'Tokens are refused'
    meaning: 'An identity provider may use a token that has expired or was revoked; Entra then puts its job into quarantine.'
    query: '${calls} | where status == 401'
    severity: 2
    window: 'PT15M'
    moreThan: 9
  }
  {
    name: 'too-many-requests'
    title: 'An identity provider is slowed down'
    meaning: 'It sends more than REQUESTS_PER_SECOND and is answered 429.'
    query: '${calls} | where status == 429'
    severity: 3
    window: 'PT15M'
    moreThan: 50
  }
]

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

resource rule 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [for each in rules: {
  name: 'rollcall-${each.name}'
  location: location
  tags: tags
  properties: {
    displayName: 'Rollcall: ${each.title}'
    description: each.meaning
    severity: each.severity
    scopes: [workspaceId]
    evaluationFrequency: 'PT15M'
    windowSize: each.window
    autoMitigate: true
    skipQueryValidation: true // the tables come into being with the first telemetry
    criteria: {
      allOf: [
        {
          query: each.query
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: each.moreThan
        }
      ]
    }
    actions: {
      actionGroups: [actionGroupId]
    }
  }
}]

// The one that fires when nothing happens.
resource silence 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = {
  name: 'rollcall-upkeep-silent'
  location: location
  tags: tags
  properties: {
    displayName: 'Rollcall: the timer does not run'
    description: 'The app does not start, or UPKEEP_SCHEDULE is slower than every six hours.'
    severity: 1
    scopes: [workspaceId]
    evaluationFrequency: 'PT1H'
    windowSize: 'PT6H'
    autoMitigate: true
    skipQueryValidation: true
    criteria: {
      allOf: [
        {
          query: timer
          timeAggregation: 'Count'
          operator: 'LessThan'
          threshold: 1
        }
      ]
    }
    actions: {
      actionGroups: [actionGroupId]
    }
  }
}

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
