// The app settings that a deployment may declare; `python3 -m local fix` makes this file from
// scim/settings.py. One that is left out keeps the value that it has in the portal, or the default.

@export()
@description('App settings by the names that they have in the portal.')
type Settings = {
  @description('Address under which identity providers reach the endpoint, without a path; empty is the host name that the platform gives.')
  PUBLIC_BASE_URL: string?

  @description('Table that holds the state.')
  TABLE_NAME: string?

  @description('When the timer runs, in the six fields of NCRONTAB (UTC); the platform reads it, so it has to be set.')
  UPKEEP_SCHEDULE: string?

  @description('Resources on a page when the client does not say. Unit: resources.')
  @minValue(1)
  @maxValue(1000)
  PAGE_SIZE: int?

  @description('Most resources on a page. Unit: resources.')
  @minValue(100)
  @maxValue(1000)
  PAGE_SIZE_MAX: int?

  @description('Most resources that one call may read when no index serves its filter. Unit: resources.')
  @minValue(100)
  SCAN_LIMIT: int?

  @description('Life of a token for which nobody says another. Unit: days.')
  @minValue(1)
  @maxValue(1095)
  TOKEN_DAYS: int?

  @description('Time in which a deleted directory can be restored; then its data is purged. Unit: days.')
  @minValue(1)
  @maxValue(3650)
  DELETED_DIRECTORY_DAYS: int?

  @description('Tenant in which the default rules grant their roles.')
  @minLength(1)
  @maxLength(100)
  HOME_TENANT: string?

  @description('JSON list of user management rules as the management API takes them; there they are read-only. While it is wrong no call is served, as with any other setting: no rule that was to withdraw access is passed over in silence.')
  RULES: string?

  @description('New rules that withdraw access from more users than this, and more than GUARD_PERCENT, wait until somebody confirms them; also the measure for the alert on a burst of deactivations. Unit: users.')
  @minValue(0)
  GUARD_USERS: int?

  @description('See GUARD_USERS; the larger of the two counts. Unit: percent of those who have access.')
  @minValue(0)
  @maxValue(100)
  GUARD_PERCENT: int?

  @description('Time in which log entries and failed events are kept; statistics stay. Unit: days.')
  @minValue(1)
  @maxValue(3650)
  LOG_RETENTION_DAYS: int?

  @description('Attributes that every user needs, as PATCH paths with commas between, such as userName, name.givenName, emails[type eq "work"].value')
  REQUIRED_ATTRIBUTES: string?

  @description('Whether POST may create users.')
  ALLOW_CREATE_USERS: bool?

  @description('Whether users may be changed and activated again.')
  ALLOW_UPDATE_USERS: bool?

  @description('Whether users may be deactivated.')
  ALLOW_DEACTIVATE_USERS: bool?

  @description('Whether DELETE may remove users.')
  ALLOW_DELETE_USERS: bool?

  @description('Whether POST may create groups.')
  ALLOW_CREATE_GROUPS: bool?

  @description('Whether groups may be renamed or changed, members apart.')
  ALLOW_UPDATE_GROUPS: bool?

  @description('Whether DELETE may remove groups.')
  ALLOW_DELETE_GROUPS: bool?

  @description('Whether members may be added to groups and removed.')
  ALLOW_CHANGE_MEMBERSHIPS: bool?

  @description('What DELETE of a user does; with disable its record stays for admins, inactive, while the identity provider sees it gone.')
  DELETE_USER_MEANS: ('delete' | 'disable')?

  @description('What happens to a user that is set inactive; delete is as by DELETE.')
  DEACTIVATE_USER_MEANS: ('disable' | 'delete')?

  @description('Whether requests are refused that only an identity provider\'s dialect allows.')
  STRICT: bool?

  @description('Attributes whose old and new values stand in the provisioning log, not only their names, with commas between; name only what is harmless.')
  LOGGED_VALUES: string?

  @description('Most requests per second and directory that one process answers. Unit: requests per second.')
  @minValue(1)
  @maxValue(10000)
  REQUESTS_PER_SECOND: int?

  @description('JSON list of Schema documents (RFC 7643 §7) that extend users, or groups if a document\'s resourceType is Group.')
  EXTENSION_SCHEMAS: string?
}
