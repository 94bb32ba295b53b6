/** Windows log sources as SigmaHQ's taxonomy has them: channels are services, event ids categories. */
import type { LogSource } from '../../src/model/sigma.ts';

const SYSMON = 'Microsoft-Windows-Sysmon/Operational';

/** Service of a channel. */
const SERVICES: Readonly<Record<string, string>> = {
  [SYSMON]: 'sysmon',
  Application: 'application',
  Security: 'security',
  System: 'system',
  'DNS Server': 'dns-server',
  'MSExchange Management': 'msexchange-management',
  'Windows PowerShell': 'powershell-classic',
  'OpenSSH/Operational': 'openssh',
  'PowerShellCore/Operational': 'powershell',
  'Microsoft-ServiceBus-Client': 'microsoft-servicebus-client',
  'Microsoft-Windows-AppLocker/EXE and DLL': 'applocker',
  'Microsoft-Windows-AppLocker/MSI and Script': 'applocker',
  'Microsoft-Windows-AppLocker/Packaged app-Deployment': 'applocker',
  'Microsoft-Windows-AppLocker/Packaged app-Execution': 'applocker',
  'Microsoft-Windows-AppModel-Runtime/Admin': 'appmodel-runtime',
  'Microsoft-Windows-AppXDeploymentServer/Operational': 'appxdeployment-server',
  'Microsoft-Windows-AppxPackaging/Operational': 'appxpackaging-om',
  'Microsoft-Windows-Bits-Client/Operational': 'bits-client',
  'Microsoft-Windows-CAPI2/Operational': 'capi2',
  'Microsoft-Windows-CertificateServicesClient-Lifecycle-System/Operational':
    'certificateservicesclient-lifecycle-system',
  'Microsoft-Windows-CodeIntegrity/Operational': 'codeintegrity-operational',
  'Microsoft-Windows-DHCP-Server/Operational': 'dhcp',
  'Microsoft-Windows-DNS-Client/Operational': 'dns-client',
  'Microsoft-Windows-DNS-Server/Analytical': 'dns-server-analytic',
  'Microsoft-Windows-DNS-Server/Audit': 'dns-server-audit',
  'Microsoft-Windows-Diagnosis-Scripted/Operational': 'diagnosis-scripted',
  'Microsoft-Windows-DriverFrameworks-UserMode/Operational': 'driver-framework',
  'Microsoft-Windows-Hyper-V-Worker': 'hyper-v-worker',
  'Microsoft-Windows-LDAP-Client/Debug': 'ldap',
  'Microsoft-Windows-LSA/Operational': 'lsa-server',
  'Microsoft-Windows-NTLM/Operational': 'ntlm',
  'Microsoft-Windows-PowerShell/Operational': 'powershell',
  'Microsoft-Windows-PrintService/Admin': 'printservice-admin',
  'Microsoft-Windows-PrintService/Operational': 'printservice-operational',
  'Microsoft-Windows-Security-Mitigations/KernelMode': 'security-mitigations',
  'Microsoft-Windows-Security-Mitigations/UserMode': 'security-mitigations',
  'Microsoft-Windows-Shell-Core/Operational': 'shell-core',
  'Microsoft-Windows-SMBClient/Audit': 'smbclient-audit',
  'Microsoft-Windows-SmbClient/Connectivity': 'smbclient-connectivity',
  'Microsoft-Windows-SmbClient/Security': 'smbclient-security',
  'Microsoft-Windows-SMBServer/Audit': 'smbserver-audit',
  'Microsoft-Windows-SMBServer/Connectivity': 'smbserver-connectivity',
  'Microsoft-Windows-TaskScheduler/Operational': 'taskscheduler',
  'Microsoft-Windows-TerminalServices-LocalSessionManager/Operational':
    'terminalservices-localsessionmanager',
  'Microsoft-Windows-VHDMP/Operational': 'vhdmp',
  'Microsoft-Windows-WMI-Activity/Operational': 'wmi',
  'Microsoft-Windows-Windows Defender/Operational': 'windefend',
  'Microsoft-Windows-Windows Firewall With Advanced Security/Firewall': 'firewall-as',
  'Microsoft-IIS-Configuration/Operational': 'iis-configuration',
};

/** Categories by service and event id; a category may be one of several of an event. */
const CATEGORIES: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  sysmon: {
    1: ['process_creation'],
    2: ['file_change'],
    3: ['network_connection'],
    4: ['sysmon_status'],
    5: ['process_termination'],
    6: ['driver_load'],
    7: ['image_load'],
    8: ['create_remote_thread'],
    9: ['raw_access_thread'],
    10: ['process_access'],
    11: ['file_event'],
    12: ['registry_event', 'registry_add', 'registry_delete'],
    13: ['registry_event', 'registry_set'],
    14: ['registry_event', 'registry_rename'],
    15: ['create_stream_hash'],
    16: ['sysmon_status'],
    17: ['pipe_created'],
    18: ['pipe_created'],
    19: ['wmi_event'],
    20: ['wmi_event'],
    21: ['wmi_event'],
    22: ['dns_query'],
    23: ['file_delete'],
    24: ['clipboard_change'],
    25: ['process_tampering'],
    26: ['file_delete', 'file_delete_detected'],
    27: ['file_block_executable'],
    28: ['file_block_shredding'],
    29: ['file_executable_detected'],
    255: ['sysmon_error'],
  },
  security: {
    4656: ['file_access', 'registry_event'],
    4657: ['registry_event', 'registry_set'],
    4663: ['file_access'],
    4688: ['process_creation'],
    4689: ['process_termination'],
    5156: ['network_connection'],
  },
  powershell: { 4103: ['ps_module'], 4104: ['ps_script'] },
  'powershell-classic': {
    400: ['ps_classic_start'],
    600: ['ps_classic_provider_start'],
    800: ['ps_classic_script'],
  },
};

/** No category: not even a rule that names one belongs to it. */
const NONE = ['(none)'];

/** Log sources of an event, one for each of its categories. A channel not listed is any service. */
export function windowsSources(channel: string, eventId: string): readonly LogSource[] {
  const product = 'windows';
  const service = SERVICES[channel];
  if (service === undefined) return [{ product, service: null, category: null }];
  const categories = CATEGORIES[service]?.[eventId] ?? NONE;
  return categories.map((category) => ({ product, service, category }));
}
