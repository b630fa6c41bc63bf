import { addresses } from './addresses/index.js';
import { backlog } from './backlog/index.js';
import { burst } from './burst/index.js';
import type { Check } from './check.js';
import { containers } from './containers/index.js';
import { crowd } from './crowd/index.js';
import { doors } from './doors/index.js';
import { failover } from './failover/index.js';
import { faultsCheck } from './faults/index.js';
import { fuzzing } from './fuzzing/index.js';
import { kills } from './kills/index.js';
import { load } from './load/index.js';
import { pictures } from './pictures/index.js';
import { power } from './power/index.js';
import { races } from './races/index.js';
import { slow } from './slow/index.js';
import { storeCheck } from './store/index.js';

/** The checks in the order in which they run. */
export const checks: readonly Check[] = [
  doors,
  addresses,
  pictures,
  load,
  fuzzing,
  burst,
  backlog,
  crowd,
  slow,
  kills,
  races,
  faultsCheck,
  failover,
  storeCheck,
  power,
  containers,
];
