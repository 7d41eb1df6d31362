// What is mailed to the admins. A test compares the events and functions with the code.

@description('Region of the rules.')
param location string

@description('Tags of the rules.')
param tags object

@description('Workspace that the queries read.')
param workspaceId string

@description('Whom to tell.')
param actionGroupId string

var records = 'AppTraces | extend event = tostring(Properties.event)'
var failed = '${records} | where event == "call_failed" | extend cause = tostring(Properties.cause)'
var calls = 'AppRequests | extend status = toint(ResultCode)'
// Told of by its own record: 503 is also the answer of a dependency that fails.
var paused = '${failed} | where cause == "paused" | extend directory = tostring(Properties.directory) | distinct directory'
var directory = 'tostring(split(tostring(parse_url(Url).Path), "/")[3])'
var timer = 'AppRequests | where Name has "upkeep" or OperationName has "upkeep"'

var rules = [
  {
    name: 'token-expiring'
    title: 'A token expires soon'
    meaning: 'Rotate it and paste the new one into the identity provider; GET /manage/v1/directories/{id}/tokens tells which, or /clients if it is the secret of an OAuth client.'
    query: '${records} | where event == "token_expiring"'
    severity: 2
    window: 'PT1H'
    moreThan: 0
  }
  {
    name: 'calls-failed'
    title: 'Many calls of identity providers are refused or fail'
    meaning: 'GET /manage/v1/directories/{id}/failed-events says which, why and what to do.'
    query: '${failed} | where cause != "paused"'
    severity: 3
    window: 'PT1H'
    moreThan: 20
  }
  {
    name: 'failures-not-kept'
    title: 'Failed calls cannot be kept as events'
    meaning: 'Storage did not take them; the calls themselves were answered.'
    query: '${records} | where event == "failure_not_kept"'
    severity: 2
    window: 'PT1H'
    moreThan: 0
  }
  {
    name: 'idp-silent'
    title: 'An identity provider has fallen silent'
    meaning: 'No contact for three of its usual intervals: nobody who leaves is disabled. Look at its provisioning job.'
    query: '${records} | where event == "idp_silent"'
    severity: 2
    window: 'PT1H'
    moreThan: 0
  }
  {
    name: 'job-failed'
    title: 'A long change could not be finished'
    meaning: 'Ten tries of one batch failed. GET /manage/v1/jobs shows the job and its last error.'
    query: '${records} | where event == "job_failed"'
    severity: 1
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
    name: 'deactivation-burst'
    title: 'An identity provider deactivates many users'
    meaning: 'They have lost their access. If nobody meant it, stop the provisioning job there; often its scope or a filter was changed.'
    query: '${records} | where event == "deactivation_burst"'
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
    meaning: 'Paused directories are not counted, nor 501, which is a switch of the policy. GET /health/ready says what does not answer.'
    query: 'let paused = ${paused}; ${calls} | where status >= 500 and status != 501 and ${directory} !in (paused)'
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
