import type { ProviderExample } from '../../../domain/provider-kind.js';

/**
 * Meta's payloads over another company: files have an id, which leads to a link of Meta behind its own host.
 */
export const dialog360: ProviderExample = {
  id: '360dialog',
  title: '360dialog (WhatsApp)',
  source: 'https://docs.360dialog.com/docs/waba-messaging/media/upload-retrieve-or-delete-media',
  notes: [
    'Set the webhook with a header X-Inlet-Token that contains the secret of this channel.',
    'Give the API key as mediaHeader and apiHeader: "D360-API-KEY: …".',
  ],
  settings: {
    mediaHosts: 'waba-v2.360dialog.io',
    mediaLookupUrl: 'https://waba-v2.360dialog.io/{id}',
    mediaLookupHost: 'waba-v2.360dialog.io',
    events: `entry.changes.value.(
  $name := contacts[0].profile.name;
  $to := metadata.display_phone_number;
  $append(
    messages.(
      $file := $lookup($, type);
      $message := {"id": id, "from": from, "to": $to, "chat": group_id, "name": $name, "sentAt": timestamp};
      type in ["image", "video", "audio", "document", "sticker"]
        ? $merge([$message, {
            "type": "message",
            "caption": $file.caption,
            "media": {
              "kind": type, "id": $file.id, "type": $file.mime_type, "filename": $file.filename, "sha256": $file.sha256
            }
          }])
        : type = "text"
          ? $merge([$message, {"type": "text", "text": text.body}])
          : type = "location"
            ? $merge([$message, {
                "type": "location",
                "location": {
                  "latitude": location.latitude, "longitude": location.longitude,
                  "name": location.name, "address": location.address
                }
              }])
            : {"type": "ignored", "reason": type}
    ),
    statuses.(
      status in ["sent", "delivered", "read", "failed"]
        ? {"type": "status", "id": id, "status": status, "at": timestamp, "error": errors[0].{"code": code, "message": title}}
        : {"type": "ignored", "reason": "status"}
    )
  )
)`,
    apiUrl: 'https://waba-v2.360dialog.io',
    send: `{
  "path": "/messages",
  "json": {
    "messaging_product": "whatsapp",
    "recipient_type": "individual",
    "to": to,
    "type": kind,
    "context": replyTo ? {"message_id": replyTo},
    (kind): {"link": url, "caption": kind in ["audio", "sticker"] ? undefined : caption, "filename": kind = "document" ? filename}
  }
}`,
    sendId: 'body.messages[0].id',
    sendMedia: JSON.stringify({
      image: { types: ['image/jpeg', 'image/png'], maxBytes: 5_242_880, maxCaption: 1_024 },
      video: { types: ['video/mp4', 'video/3gpp'], maxBytes: 16_777_216, maxCaption: 1_024 },
      document: { types: ['application/pdf'], maxBytes: 104_857_600, maxCaption: 1_024 },
    }),
  },
  sample: {
    contentType: 'application/json',
    body: JSON.stringify(
      {
        object: 'whatsapp_business_account',
        entry: [
          {
            id: '100000000000001',
            changes: [
              {
                field: 'messages',
                value: {
                  messaging_product: 'whatsapp',
                  metadata: { display_phone_number: '5511800000001', phone_number_id: '100000000000002' },
                  contacts: [{ profile: { name: 'Rosa' }, wa_id: '5511900000017' }],
                  messages: [
                    {
                      from: '5511900000017',
                      id: 'wamid.AAAAAAAAAAAAAAAAAAAAAAAAAAAA17',
                      timestamp: '1795255200',
                      type: 'image',
                      image: { id: '100000000000017', mime_type: 'image/jpeg', caption: 'The colour' },
                    },
                  ],
                },
              },
            ],
          },
        ],
      },
      null,
      2,
    ),
  },
};
