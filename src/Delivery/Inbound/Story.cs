using Posthorn.Accounts;
using Posthorn.Mime.Headers;
using Posthorn.Smtp.Server;
using Posthorn.Storage;

namespace Posthorn.Delivery.Inbound;

/// <summary>The details of the events that inbound delivery writes (docs/events.md).</summary>
static class Story
{
    internal static string Received(SmtpClientInfo client, MailParameters mail, int recipients, long size, HeaderSummary header)
    {
        var d = new StoryDetail();
        d.Add("from", mail.ReversePath?.ToString() ?? "<>");
        if (client.LocalUser is { } user) d.Add("user", user.ToString());
        else d.Add("client", client.Address.ToString());
        d.Add("helo", client.Helo);
        d.Add("name", client.ReverseName);
        d.Add("with", System.Text.Encoding.ASCII.GetString(TraceHeader.Protocol(client, mail.SmtpUtf8)));
        d.Add("tls", client.Tls);
        if (client.Principal is { } who)
        {
            d.Add("login", who.Address);
            d.Add("mechanism", who.Mechanism);
            d.Add("credential", who.Credential);
        }
        d.Add("session", client.SessionId);
        d.Add("recipients", recipients);
        d.Add("size", size);
        d.Add("messageId", header.MessageId is { Length: > 998 } id ? id[..998] : header.MessageId);
        return d.End();
    }

    internal static string Notice(TraceId about, long size)
    {
        var d = new StoryDetail();
        d.Add("from", "<>");
        d.Add("about", about.ToString());
        d.Add("size", size);
        return d.End();
    }

    internal static string Notified(string to, TraceId notice)
    {
        var d = new StoryDetail();
        d.Add("to", to);
        d.Add("notice", notice.ToString());
        return d.End();
    }

    internal static string Queued(string recipient, string address)
    {
        var d = new StoryDetail();
        d.Add("to", recipient);
        d.Add("address", address);
        return d.End();
    }

    internal static string Forwarded(string recipient, string address, ForwardedCopy copy)
    {
        var d = new StoryDetail();
        d.Add("to", recipient);
        d.Add("by", copy.By.ToString());
        d.Add("address", address);
        d.Add("from", copy.ReversePath.Length == 0 ? "<>" : copy.ReversePath);
        return d.End();
    }

    internal static string Looped(string recipient, Destination.Foreign destination)
    {
        var d = new StoryDetail();
        d.Add("to", recipient);
        d.Add("by", destination.ForwardedBy?.ToString());
        d.Add("address", destination.Address.ToString());
        d.Add("reason", "it was sent on there before and has come back");
        return d.End();
    }
}
