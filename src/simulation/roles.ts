/** The roles that simulated fleets come with; their tools stand in baselines/tools.yaml. */
import { party, thing } from './matter.ts';
import { integer, pick, type Random } from './random.ts';
import type { Args, Matter, RoleSpec, SimulatedTool } from './role.ts';

type ArgsOf = (random: Random, matter: Matter) => Args;
type Facts = Partial<Pick<SimulatedTool, 'tier' | 'route' | 'polling' | 'latencyMs' | 'errorRate'>>;

function tool(
  name: string,
  server: string,
  toolClass: SimulatedTool['class'],
  args: ArgsOf,
  facts: Facts = {},
): SimulatedTool {
  return {
    name,
    server,
    class: toolClass,
    tier: facts.tier ?? 'autonomous',
    route: facts.route ?? 'gateway',
    polling: facts.polling ?? false,
    latencyMs: facts.latencyMs ?? 120,
    errorRate: facts.errorRate ?? 0.02,
    args,
  };
}

const asks = { tier: 'human-in-the-loop' } as const;
const number = (random: Random) => integer(random, 1_000, 999_999);
const iban = (random: Random) =>
  `XX${integer(random, 10, 99)}0400${number(random)}${number(random)}`;

const INVOICE_CLERK: RoleSpec = {
  name: 'invoice-clerk',
  weight: 3,
  models: ['atlas-large-2', 'atlas-small-2'],
  tokens: { first: 900, perTurn: 320, out: 180, turnMax: 9_000 },
  invented: ['get_invoice_status', 'lookup_vendor', 'invoice_search', 'validate_iban'],
  tools: [
    tool('search_invoices', 'erp', 'read', (r) => ({
      query: `${party(r)} open`,
      page: integer(r, 1, 40),
      since: `2026-0${integer(r, 1, 9)}-01`,
    })),
    tool('get_invoice', 'erp', 'read', (r) => ({ invoice_id: `INV-${number(r)}` })),
    tool('match_purchase_order', 'erp', 'read', (r, m) => ({
      invoice_id: `INV-${m.ref}`,
      po_number: `PO-${number(r)}`,
    })),
    tool('update_invoice', 'erp', 'write', (r, m) => ({
      invoice_id: `INV-${m.ref}`,
      status: pick(r, ['matched', 'disputed', 'approved']),
      note: `checked against PO-${number(r)}`,
    })),
    tool('post_ledger_entry', 'erp', 'write', (r, m) => ({
      account: `4${integer(r, 100, 999)}`,
      amount: m.amount,
      currency: 'EUR',
      reference: `INV-${m.ref}/${number(r)}`,
    })),
    tool(
      'send_reminder',
      'mail',
      'communicate',
      (r, m) => ({
        to: m.email,
        invoice_id: `INV-${m.ref}`,
        subject: `Reminder ${number(r)}: ${m.party}`,
      }),
      { tier: 'pre-approved', latencyMs: 300 },
    ),
    tool(
      'schedule_payment',
      'bank',
      'spend',
      (r, m) => ({
        iban: iban(r),
        amount: m.amount,
        currency: 'EUR',
        reference: `INV-${m.ref}`,
      }),
      { ...asks, latencyMs: 700 },
    ),
    tool('calculate', 'runtime', 'read', (r) => ({ expression: `${number(r)} * 1.19` }), {
      route: 'local',
    }),
  ],
  flows: [
    {
      taskType: 'invoice-check',
      mandate: (m) => `Check the open invoices of ${m.party} against their purchase orders.`,
      steps: [
        { tool: 'search_invoices' },
        { tool: 'get_invoice', times: [2, 4], parallel: true },
        { tool: 'match_purchase_order', times: [1, 3] },
        { tool: 'update_invoice', times: [1, 2] },
        { tool: 'post_ledger_entry', share: 0.6 },
      ],
    },
    {
      taskType: 'invoice-payment',
      mandate: (m) => `Pay invoice INV-${m.ref} of ${m.party} if it is in order.`,
      steps: [
        { tool: 'get_invoice' },
        { tool: 'match_purchase_order' },
        { tool: 'schedule_payment' },
        { tool: 'update_invoice' },
        { tool: 'post_ledger_entry' },
      ],
    },
    {
      taskType: 'dunning',
      mandate: (m) => `Remind ${m.party} of what is overdue.`,
      steps: [
        { tool: 'search_invoices', times: [1, 2] },
        { tool: 'get_invoice', times: [1, 3], parallel: true },
        { tool: 'send_reminder', times: [1, 2] },
        { tool: 'update_invoice', share: 0.5 },
      ],
    },
  ],
};

const SUPPORT_DESK: RoleSpec = {
  name: 'support-desk',
  weight: 4,
  models: ['atlas-small-2'],
  tokens: { first: 700, perTurn: 260, out: 240, turnMax: 8_000 },
  invented: ['get_order_history', 'close_ticket', 'find_customer', 'send_apology'],
  tools: [
    tool('list_tickets', 'desk', 'read', (r) => ({ queue: thing(r), page: integer(r, 1, 60) })),
    tool('get_ticket', 'desk', 'read', (r) => ({ ticket_id: `T-${number(r)}` })),
    tool('get_customer', 'crm', 'read', (r, m) => ({ email: m.email, fields: `v${number(r)}` })),
    tool('search_knowledge_base', 'wiki', 'read', (r) => ({
      query: `${thing(r)} ${pick(r, ['refund', 'login', 'delivery', 'error'])} ${number(r)}`,
    })),
    tool('update_ticket', 'desk', 'write', (r, m) => ({
      ticket_id: `T-${m.ref}`,
      status: pick(r, ['open', 'waiting', 'solved']),
      note: `see article ${number(r)}`,
    })),
    tool(
      'reply_to_customer',
      'desk',
      'communicate',
      (r, m) => ({
        ticket_id: `T-${m.ref}`,
        to: m.email,
        body: `Dear ${m.person}, please see step ${number(r)} of the article.`,
      }),
      { tier: 'pre-approved', latencyMs: 250 },
    ),
    tool(
      'issue_refund',
      'shop',
      'spend',
      (r, m) => ({
        order_id: `O-${number(r)}`,
        amount: m.amount,
        reason: `ticket T-${m.ref}`,
      }),
      { ...asks, latencyMs: 500 },
    ),
    tool('translate_text', 'provider', 'read', (r) => ({ text: `phrase ${number(r)}`, to: 'en' }), {
      route: 'provider',
    }),
  ],
  flows: [
    {
      taskType: 'ticket',
      mandate: (m) => `Solve ticket T-${m.ref} of ${m.person}.`,
      steps: [
        { tool: 'get_ticket' },
        { tool: 'get_customer' },
        { tool: 'search_knowledge_base', times: [1, 3], parallel: true },
        { tool: 'reply_to_customer' },
        { tool: 'update_ticket' },
      ],
    },
    {
      taskType: 'refund',
      mandate: (m) => `${m.person} asks for ${m.amount} EUR back (T-${m.ref}). Settle it.`,
      steps: [
        { tool: 'get_ticket' },
        { tool: 'get_customer' },
        { tool: 'issue_refund', share: 0.8 },
        { tool: 'reply_to_customer', times: [1, 2] },
        { tool: 'update_ticket' },
      ],
    },
    {
      taskType: 'triage',
      mandate: (m) => `Sort the new tickets about ${m.thing}.`,
      steps: [
        { tool: 'list_tickets', times: [1, 2] },
        { tool: 'get_ticket', times: [2, 4], parallel: true },
        { tool: 'update_ticket', times: [2, 4] },
      ],
    },
  ],
};

const DATA_ANALYST: RoleSpec = {
  name: 'data-analyst',
  weight: 2,
  models: ['atlas-large-2'],
  tokens: { first: 1_400, perTurn: 520, out: 420, turnMax: 14_000 },
  invented: ['plot_figure', 'run_sql', 'get_schema', 'summarise_table'],
  tools: [
    tool('list_datasets', 'warehouse', 'read', (r) => ({
      schema: thing(r),
      page: integer(r, 1, 50),
    })),
    tool('describe_table', 'warehouse', 'read', (r) => ({ table: `${thing(r)}_${number(r)}` })),
    tool(
      'run_query',
      'warehouse',
      'read',
      (r, m) => ({
        sql: `select day, sum(amount) from ${m.thing} where batch > ${number(r)} group by day`,
        limit: 500,
      }),
      { latencyMs: 1_800, errorRate: 0.06 },
    ),
    tool(
      'run_notebook',
      'lab',
      'execute',
      (r, m) => ({
        notebook: `${m.thing}/weekly.ipynb`,
        parameters: `seed=${number(r)}`,
      }),
      { tier: 'pre-approved', latencyMs: 4_000, errorRate: 0.05 },
    ),
    tool('create_chart', 'lab', 'write', (r, m) => ({
      title: `${m.thing} by day`,
      series: `s${number(r)}`,
    })),
    tool(
      'export_report',
      'lab',
      'write',
      (r, m) => ({
        name: `${m.thing}-${number(r)}.pdf`,
        folder: 'reports/weekly',
      }),
      { latencyMs: 900 },
    ),
    tool(
      'share_dashboard',
      'lab',
      'communicate',
      (r, m) => ({
        dashboard: `D-${number(r)}`,
        with: m.email,
      }),
      asks,
    ),
    tool('scratchpad', 'runtime', 'write', (r) => ({ note: `assume batch ${number(r)}` }), {
      route: 'local',
    }),
    tool(
      'web_search',
      'provider',
      'read',
      (r) => ({ query: `benchmark ${thing(r)} ${number(r)}` }),
      {
        route: 'provider',
      },
    ),
  ],
  flows: [
    {
      taskType: 'question',
      mandate: (m) => `Why did ${m.thing} for ${m.party} fall last week?`,
      steps: [
        { tool: 'list_datasets' },
        { tool: 'describe_table', times: [1, 3], parallel: true },
        { tool: 'run_query', times: [2, 5] },
        { tool: 'create_chart', share: 0.7 },
      ],
    },
    {
      taskType: 'weekly-report',
      mandate: (m) => `Prepare the weekly report on ${m.thing} and share it with ${m.person}.`,
      steps: [
        { tool: 'run_query', times: [2, 3], parallel: true },
        { tool: 'run_notebook' },
        { tool: 'create_chart', times: [1, 3] },
        { tool: 'export_report' },
        { tool: 'share_dashboard', share: 0.7 },
      ],
    },
  ],
};

const DEPLOY_OPERATOR: RoleSpec = {
  name: 'deploy-operator',
  weight: 1,
  models: ['atlas-large-2'],
  tokens: { first: 1_100, perTurn: 380, out: 200, turnMax: 11_000 },
  invented: ['get_pods', 'service_health', 'tail_logs', 'promote_release'],
  tools: [
    tool('list_services', 'cluster', 'read', (r) => ({ namespace: thing(r), page: number(r) })),
    tool(
      'get_deploy_status',
      'cluster',
      'read',
      (_, m) => ({
        service: m.thing,
        release: `r${m.ref}`,
      }),
      { polling: true, errorRate: 0.01 },
    ),
    tool('read_logs', 'cluster', 'read', (r, m) => ({ service: m.thing, after: number(r) })),
    tool(
      'run_tests',
      'ci',
      'execute',
      (r, m) => ({
        suite: `${m.thing}-smoke`,
        run: number(r),
      }),
      { latencyMs: 5_000, errorRate: 0.05 },
    ),
    tool('update_config', 'cluster', 'write', (r, m) => ({
      service: m.thing,
      key: pick(r, ['replicas', 'timeout_ms', 'cache_mb']),
      value: String(number(r)),
    })),
    tool(
      'restart_service',
      'cluster',
      'execute',
      (r, m) => ({
        service: m.thing,
        reason: `after release r${m.ref}, change ${number(r)}`,
      }),
      { tier: 'pre-approved', latencyMs: 1_500 },
    ),
    tool(
      'deploy_release',
      'cluster',
      'execute',
      (r, m) => ({
        service: m.thing,
        release: `r${m.ref}`,
        change: `CHG-${number(r)}`,
      }),
      { ...asks, latencyMs: 2_500 },
    ),
    tool('post_channel_message', 'chat', 'communicate', (r, m) => ({
      channel: `#${m.thing}`,
      text: `release r${m.ref}: step ${number(r)} done`,
    })),
  ],
  flows: [
    {
      taskType: 'release',
      mandate: (m) => `Bring release r${m.ref} of ${m.thing} to production.`,
      steps: [
        { tool: 'run_tests', times: [1, 2] },
        { tool: 'deploy_release' },
        { tool: 'get_deploy_status', times: [3, 8], everyMs: 12_000 },
        { tool: 'read_logs', times: [1, 2] },
        { tool: 'post_channel_message' },
      ],
    },
    {
      taskType: 'incident',
      mandate: (m) => `${m.thing} is slow. Find out why and mend it.`,
      steps: [
        { tool: 'list_services' },
        { tool: 'read_logs', times: [2, 4], parallel: true },
        { tool: 'update_config', share: 0.5 },
        { tool: 'restart_service', share: 0.7 },
        { tool: 'get_deploy_status', times: [2, 5], everyMs: 10_000 },
        { tool: 'post_channel_message', times: [1, 2] },
      ],
    },
  ],
};

/** The roles of a fleet that names none. */
export const ROLES: readonly RoleSpec[] = [
  SUPPORT_DESK,
  INVOICE_CLERK,
  DATA_ANALYST,
  DEPLOY_OPERATOR,
];

/** Tools that exist in the inventory and that no simulated role is granted. */
export const UNGRANTED_TOOLS: readonly string[] = [
  'export_customer_ledger',
  'read_payroll',
  'list_secrets',
];
