using 'main.bicep'

// azd sets the first two; the third is asked for by nothing, so set it:
//   azd env set ROLLCALL_ALERT_EMAILS admin@example.com,second@example.com
param environmentName = readEnvironmentVariable('AZURE_ENV_NAME', 'rollcall')
param location = readEnvironmentVariable('AZURE_LOCATION', 'westeurope')
param alertEmails = filter(split(readEnvironmentVariable('ROLLCALL_ALERT_EMAILS', ''), ','), each => !empty(each))

// All other parameters have defaults; infra/main.bicep describes them.
