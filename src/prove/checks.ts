import { addresses } from './addresses/index.js';
import type { Check } from './check.js';
import { doors } from './doors/index.js';
import { faultsCheck } from './faults/index.js';
import { fuzzing } from './fuzzing/index.js';
import { kills } from './kills/index.js';
import { load } from './load/index.js';
import { pictures } from './pictures/index.js';

/** In the order in which they are run. */
export const checks: readonly Check[] = [doors, addresses, pictures, load, fuzzing, kills, faultsCheck];
