using Posthorn.Smtp.Server;

namespace Posthorn.Delivery.Outbound;

/// <summary>The words of other servers, made fit for rows, logs and notices.</summary>
static class ReplyWords
{
    /// <summary>Most characters of a reply that are kept.</summary>
    const int Most = 1000;

    /// <summary>"550 5.1.1 no such user", the lines of a long reply after each other.</summary>
    internal static string Line(SmtpReply reply) =>
        Clean($"{reply.Code}{(reply.Enhanced is null ? "" : " " + reply.Enhanced)} {string.Join(' ', reply.Lines)}".TrimEnd());

    /// <summary>One line without control characters, of bounded length.</summary>
    internal static string Clean(string text)
    {
        if (text.Length > Most) text = string.Concat(text.AsSpan(0, char.IsHighSurrogate(text[Most - 2]) ? Most - 2 : Most - 1), "…");
        return !text.AsSpan().ContainsAnyInRange('\0', '\x1f') && !text.AsSpan().ContainsAnyInRange('\x7f', '\x9f') && !text.AsSpan().ContainsAny('\u2028', '\u2029')
            ? text
            : string.Create(text.Length, text, static (into, from) =>
            {
                for (var i = 0; i < into.Length; i++)
                    into[i] = from[i] is '\r' or '\n' or '\t' ? ' ' : char.IsControl(from[i]) || from[i] is '\u2028' or '\u2029' ? '?' : from[i];
            });
    }

    /// <summary>
    /// The enhanced code of a result (RFC 3463 §2): the peer's, but of the class that the result has, since notices are read
    /// by class; without one the class and "0.0", which says nothing more.
    /// </summary>
    internal static string Enhanced(SmtpReply? reply, AttemptStatus status, string detail = "0.0") =>
        Class(status) + (reply?.Enhanced is { Length: > 2 } own && own[1] == '.' ? own[2..] : detail);

    internal static string Class(AttemptStatus status) => status switch
    {
        AttemptStatus.Delivered => "2.",
        AttemptStatus.Failed => "5.",
        _ => "4.",
    };
}
