import type { ProviderDefinition } from './kit/define-provider.js';
import * as registry from './registry.js';

export const providers: readonly ProviderDefinition[] = Object.values(registry);
