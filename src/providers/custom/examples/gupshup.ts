import type { ProviderExample } from '../../../domain/provider-kind.js';

/** Payloads of the second version. Links are public and end after a while. */
export const gupshup: ProviderExample = {
  id: 'gupshup',
  title: 'Gupshup (WhatsApp)',
  source: 'https://docs.gupshup.io/docs/inbound-messages',
  notes: [
    'Choose the payload format v2, and put the secret into the callback address: ?token=<webhookSecret>.',
    'Give the API key as apiHeader: "apikey: …", and replace SOURCE and APP in the expression for sending.',
  ],
  settings: {
    proof: 'query',
    events: `(
  $kinds := {"image": "image", "video": "video", "audio": "audio", "file": "document", "sticker": "sticker"};
  $kind := $lookup($kinds, payload.type);
  $message := {"id": payload.id, "from": payload.source, "name": payload.sender.name, "sentAt": timestamp};
  type = "message-event"
    ? (payload.type in ["sent", "delivered", "read", "failed"]
        ? {
            "type": "status",
            "id": payload.gsId ? payload.gsId : payload.id,
            "status": payload.type,
            "at": timestamp,
            "error": payload.type = "failed" ? {"code": payload.payload.code, "message": payload.payload.reason}
          }
        : {"type": "ignored", "reason": payload.type})
    : type = "message" and $exists($kind)
      ? $merge([$message, {
          "type": "message",
          "caption": payload.payload.caption,
          "media": {
            "kind": $kind,
            "url": payload.payload.url,
            "type": payload.payload.contentType,
            "filename": payload.payload.name
          }
        }])
      : type = "message" and payload.type = "text"
        ? $merge([$message, {"type": "text", "text": payload.payload.text}])
        : type = "message" and payload.type = "location"
          ? $merge([$message, {
              "type": "location",
              "location": {"latitude": payload.payload.latitude, "longitude": payload.payload.longitude}
            }])
          : {"type": "ignored", "reason": type}
)`,
    apiUrl: 'https://api.gupshup.io',
    send: `{
  "path": "/wa/api/v1/msg",
  "form": {
    "channel": "whatsapp",
    "source": "SOURCE",
    "src.name": "APP",
    "destination": to,
    "message": $string(
      kind = "image"
        ? {"type": "image", "originalUrl": url, "previewUrl": url, "caption": caption}
        : {"type": kind = "document" ? "file" : kind, "url": url, "caption": caption, "filename": filename}
    )
  }
}`,
    sendId: 'body.messageId',
  },
  sample: {
    contentType: 'application/json',
    body: JSON.stringify(
      {
        app: 'ShopApp',
        timestamp: 1_795_255_200_000,
        version: 2,
        type: 'message',
        payload: {
          id: 'GS0000000000000017',
          source: '5511900000017',
          type: 'image',
          payload: {
            caption: 'The colour',
            url: 'https://filemanager.gupshup.example/fm/wamedia/ShopApp/000017',
            contentType: 'image/jpeg',
            urlExpiry: 1_795_860_000_000,
          },
          sender: { phone: '5511900000017', name: 'Rosa', country_code: '55', dial_code: '11900000017' },
        },
      },
      null,
      2,
    ),
  },
};
