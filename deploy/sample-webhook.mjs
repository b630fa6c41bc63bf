/** A webhook of Z-API, to test a service that has just started. */

/** The value of `ZAPI_WEBHOOK_SECRET` that the sample webhook uses. */
export const secret = 'a-secret-of-the-webhooks-0123456789';

/** Posts the sample to the service at `base`. The address of its picture is not public, so Inlet never connects to it. */
export function postSample(base) {
  return fetch(`${base}/webhooks/z-api?token=${secret}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    signal: AbortSignal.timeout(5_000),
    body: JSON.stringify({
      type: 'ReceivedCallback',
      instanceId: 'INSTANCE',
      messageId: 'SAMPLE',
      phone: '5511999990000',
      fromMe: false,
      isGroup: false,
      momment: Date.now(),
      status: 'RECEIVED',
      chatName: 'A',
      senderName: 'A',
      image: { imageUrl: 'http://127.0.0.1:9/a.jpg', mimeType: 'image/jpeg', caption: '' },
    }),
  });
}
