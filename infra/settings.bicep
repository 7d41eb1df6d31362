// The app settings that an admin may declare, as in scim/settings.py; a test compares the two.
// What is left out here keeps the value that it has in the portal, or the app's own default.

@export()
@description('App settings by the names that they have in the portal.')
type Settings = {
  @description('Address under which identity providers reach the endpoint, such as https://scim.example.com; else the app\'s own host name, or the custom domain.')
  PUBLIC_BASE_URL: string?

  @description('Table that holds the state; created if it is missing.')
  @minLength(3)
  @maxLength(63)
  TABLE_NAME: string?

  @description('When the timer runs, in the six fields of NCRONTAB (UTC).')
  UPKEEP_SCHEDULE: string?

  @description('Resources on a page when the client does not say.')
  @minValue(1)
  @maxValue(1000)
  PAGE_SIZE: int?

  @description('Most resources on a page.')
  @minValue(100)
  @maxValue(1000)
  PAGE_SIZE_MAX: int?

  @description('Most resources that one call may read when no index serves its filter.')
  @minValue(100)
  SCAN_LIMIT: int?

  @description('Life in days of a token for which nobody says another.')
  @minValue(1)
  @maxValue(1095)
  TOKEN_DAYS: int?

  @description('Days in which a deleted directory can be restored.')
  @minValue(1)
  @maxValue(3650)
  DELETED_DIRECTORY_DAYS: int?

  @description('Attributes that every user needs, as PATCH paths with commas between.')
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

  @description('What DELETE of a user does; with disable its record stays for admins, inactive.')
  DELETE_USER_MEANS: 'delete' | 'disable'?

  @description('What happens to a user that is set inactive.')
  DEACTIVATE_USER_MEANS: 'disable' | 'delete'?

  @description('Whether requests are refused that only an identity provider\'s dialect allows.')
  STRICT: bool?

  @description('Most requests per second and directory that one process answers.')
  @minValue(1)
  @maxValue(10000)
  REQUESTS_PER_SECOND: int?

  @description('JSON list of Schema documents (RFC 7643 §7) that extend users or groups.')
  EXTENSION_SCHEMAS: string?
}
