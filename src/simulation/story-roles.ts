/** The roles of story fleets: ten trades whose calls and results hang together. */
import type { RoleSpec } from './role.ts';
import { roleOfTrade } from './trade.ts';
import { CAMPAIGNS } from './trades/campaign-editor.ts';
import { CLAIMS } from './trades/claims-handler.ts';
import { MAINTAINER } from './trades/code-maintainer.ts';
import { HOUSING } from './trades/housing-desk.ts';
import { HELPDESK } from './trades/it-helpdesk.ts';
import { PAYABLES } from './trades/payables-agent.ts';
import { RECRUITER } from './trades/recruiter.ts';
import { LIBRARIAN } from './trades/research-librarian.ts';
import { CONCIERGE } from './trades/shop-concierge.ts';
import { TRAVEL } from './trades/travel-desk.ts';

/** Roles with mandates, results and provenance; their tools stand in baselines/tools.yaml. */
export const STORY_ROLES: readonly RoleSpec[] = [
  CONCIERGE,
  LIBRARIAN,
  HELPDESK,
  PAYABLES,
  CLAIMS,
  RECRUITER,
  TRAVEL,
  HOUSING,
  MAINTAINER,
  CAMPAIGNS,
].map(roleOfTrade);
