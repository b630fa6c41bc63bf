import type { ProviderExample } from '../../../domain/provider-kind.js';

/** A gateway for WhatsApp that one runs oneself. Its files are encrypted links, so it must send the bytes. */
export const evolution: ProviderExample = {
  id: 'evolution',
  title: 'Evolution API (WhatsApp)',
  source: 'https://doc.evolution-api.com/v2/en/configuration/webhooks',
  notes: [
    'Switch on base64 in the webhook of the instance, choose MESSAGES_UPSERT and MESSAGES_UPDATE, and set MAX_WEBHOOK_BYTES to a third more than the largest file.',
    'Add a header X-Inlet-Token with the secret of this channel to the webhook.',
    'Replace INSTANCE in the expression for sending.',
  ],
  settings: {
    events: `(
  $person := function($jid) { $contains($jid, "@s.whatsapp.net") ? $substringBefore($substringBefore($jid, "@"), ":") : $jid };
  $statuses := {"SERVER_ACK": "sent", "DELIVERY_ACK": "delivered", "READ": "read", "PLAYED": "read", "ERROR": "failed"};
  $kinds := {
    "imageMessage": "image", "videoMessage": "video", "audioMessage": "audio",
    "documentMessage": "document", "stickerMessage": "sticker"
  };
  $kind := $lookup($kinds, data.messageType);
  $file := $lookup(data.message, data.messageType);
  $text := data.message.conversation ? data.message.conversation : data.message.extendedTextMessage.text;
  $isGroup := $contains(data.key.remoteJid, "@g.us");
  $message := {
    "id": data.key.id,
    "direction": data.key.fromMe ? "outbound" : "inbound",
    "from": $person($isGroup ? data.key.participant : data.key.fromMe ? sender : data.key.remoteJid),
    "to": $person(data.key.fromMe ? data.key.remoteJid : sender),
    "chat": $isGroup ? data.key.remoteJid,
    "name": data.pushName,
    "sentAt": data.messageTimestamp
  };
  event = "messages.update"
    ? ($exists($lookup($statuses, data.status))
        ? {"type": "status", "id": data.keyId, "status": $lookup($statuses, data.status)}
        : {"type": "ignored", "reason": "status"})
    : event = "messages.upsert" and $exists($kind)
      ? $merge([$message, {
          "type": "message",
          "caption": $file.caption,
          "media": {
            "kind": $kind, "base64": data.message.base64, "type": $file.mimetype, "filename": $file.fileName
          }
        }])
      : event = "messages.upsert" and $text
        ? $merge([$message, {"type": "text", "text": $text}])
        : {"type": "ignored", "reason": "other"}
)`,
    apiUrl: 'https://evolution.example.com',
    send: `{
  "path": "/message/sendMedia/INSTANCE",
  "json": {
    "number": to,
    "mediatype": kind = "sticker" ? "image" : kind,
    "mimetype": type,
    "caption": caption,
    "media": url,
    "fileName": filename ? filename : "file"
  }
}`,
    sendId: 'body.key.id',
  },
  sample: {
    contentType: 'application/json',
    body: JSON.stringify(
      {
        event: 'messages.upsert',
        instance: 'shop',
        data: {
          key: { remoteJid: '5511900000017@s.whatsapp.net', fromMe: false, id: 'EV0000000000000017' },
          pushName: 'Rosa',
          message: {
            imageMessage: { mimetype: 'image/png', caption: 'The colour', fileLength: '68' },
            base64:
              'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
          },
          messageType: 'imageMessage',
          messageTimestamp: 1_795_255_200,
        },
        sender: '5511800000001@s.whatsapp.net',
      },
      null,
      2,
    ),
  },
};
