/**
 * Ready-made settings for senders that have no provider of their own. The shapes are those of the public
 * pages that each names; the values are invented. None of them was tried with a live account (UNVERIFIED).
 */
import type { ProviderExample } from '../../domain/provider-kind.js';
import { dialog360 } from './examples/dialog-360.js';
import { driverApp } from './examples/driver-app.js';
import { evolution } from './examples/evolution.js';
import { gupshup } from './examples/gupshup.js';
import { tally } from './examples/tally.js';
import { waha } from './examples/waha.js';

export const examples: readonly ProviderExample[] = [driverApp, tally, evolution, waha, dialog360, gupshup];
