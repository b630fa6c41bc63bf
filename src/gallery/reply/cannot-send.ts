import type { ChannelLimits } from '../api.js';
import { t } from '../languages/text.js';

/** Why a channel cannot send: the settings that it lacks. */
export function cannotSend({ needs }: Pick<ChannelLimits, 'needs'>): string {
  const groups = needs.map((group) => group.reduce((first, second) => t('common.and', { first, second })));
  return t('limits.cannot_send', {
    needs: groups.reduce((first, second) => t('limits.or', { first, second })),
  });
}
