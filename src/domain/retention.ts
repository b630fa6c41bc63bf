/** How long the data of a channel are kept. Undefined means until they are erased. */
export interface RetentionDays {
  readonly mediaDays: number | undefined;
  readonly deliveryDays: number | undefined;
}

/** What a channel that was added at run time has of its own; null leaves it to the settings of the service. */
export interface OwnRetention {
  readonly mediaDays: number | null;
  readonly deliveryDays: number | null;
}

/** Members that are undefined stay as they are. */
export type RetentionChange = { readonly [Kind in keyof OwnRetention]?: OwnRetention[Kind] | undefined };

/** The retention after a change. */
export function changedRetention(
  own: OwnRetention,
  { mediaDays, deliveryDays }: RetentionChange = {},
): OwnRetention {
  return {
    mediaDays: mediaDays === undefined ? own.mediaDays : mediaDays,
    deliveryDays: deliveryDays === undefined ? own.deliveryDays : deliveryDays,
  };
}

/** Of channels of the environment, whose retention is in the settings of the service. */
export const noOwnRetention: OwnRetention = { mediaDays: null, deliveryDays: null };
