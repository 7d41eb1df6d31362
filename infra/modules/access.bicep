// Who may do what: every role assignment of the installation, in one table.
// infra/README.md says what each is needed for.

@description('Principal id of the app\'s identity.')
param principalId string

@description('Resource id of the storage account.')
param storageId string

@description('Resource id of the Key Vault.')
param vaultId string

@description('Resource id of Application Insights.')
param insightsId string

var assignments = [
  { // the host's leases, keys and the deployed package
    role: 'Storage Blob Data Owner'
    roleId: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
    scope: storageId
  }
  { // the state; the host's own diagnostic events
    role: 'Storage Table Data Contributor'
    roleId: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
    scope: storageId
  }
  { // tokens are made, rotated and revoked
    role: 'Key Vault Secrets Officer'
    roleId: 'b86a8fe4-44ce-4948-aee5-eccb2c155cd7'
    scope: vaultId
  }
  { // telemetry without an instrumentation key
    role: 'Monitoring Metrics Publisher'
    roleId: '3913510d-42f4-4e42-8a64-420c390055eb'
    scope: insightsId
  }
]

// A template in JSON: only there the scope may be the id of any resource.
module assignment 'role-assignment.json' = [for each in assignments: {
  name: 'role-${each.roleId}'
  params: {
    scope: each.scope
    roleId: each.roleId
    principalId: principalId
    description: each.role
  }
}]
