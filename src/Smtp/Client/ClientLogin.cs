using System.Net;
using Posthorn.Smtp.Server;
using Posthorn.Wire.Sasl;

namespace Posthorn.Smtp.Client;

/// <summary>AUTH (RFC 4954) from the client's side: the mechanisms that fit in order of strength.</summary>
/// <param name="verified">The server has shown a certificate of its name.</param>
sealed class ClientLogin(ClientWire wire, SmtpClientLogin login, bool verified)
{
    // More rounds than any mechanism of ours has.
    const int MaxRounds = 8;

    bool IsLoopback => IPAddress.IsLoopback(wire.Connection.RemoteAddress);

    /// <summary>True where a password may be shown though the server offers a mechanism that keeps it.</summary>
    bool MayShow => verified || IsLoopback;

    /// <summary>The mechanism that was accepted, or why none was.</summary>
    internal async ValueTask<(string? By, SmtpFailure? Failure)> RunAsync(IReadOnlyList<string> offered)
    {
        var fitting = login.Token is { } token ? SaslClient.ForToken(offered, login.User, token) : SaslClient.ForPassword(offered, login.User, login.Password ?? "");
        SmtpFailure? refused = null;
        // Servers count each failed try. The one that was accepted before saves them, but shows no password to a stranger for that.
        foreach (var mechanism in fitting.OrderBy(m => m.Name == login.Before && (!m.ShowsSecret || MayShow) ? 0 : 1))
        {
            if (mechanism.ShowsSecret && wire.Connection.Tls is null && !IsLoopback) continue;
            var (reply, failure) = await ExchangeAsync(mechanism).ConfigureAwait(false);
            if (reply is null) return (null, failure);
            if (reply.Code < 300) return Proven(mechanism) is { } unproven ? (null, unproven) : (mechanism.Name, null);
            refused = Refused(mechanism, reply);
            if (wire.Broken || !MayTryNext(mechanism, reply)) break;
        }
        return (null, refused ?? Missing(offered, hidden: fitting.Count > 0));
    }

    async ValueTask<Answer> ExchangeAsync(SaslClient mechanism)
    {
        Write("AUTH " + mechanism.Name, mechanism.Initial());
        var answer = await wire.ReplyAsync(SmtpStage.Auth, wire.Timeouts.Auth).ConfigureAwait(false);
        for (var round = 0; answer.Reply is { Code: 334 } challenge; round++)
        {
            if (round == MaxRounds || Challenge(challenge) is not { } asked || mechanism.Answer(asked) is not { } response)
                return wire.Garbage(SmtpStage.Auth, $"a challenge that {mechanism.Name} cannot go on with");
            Write("", response);
            answer = await wire.ReplyAsync(SmtpStage.Auth, wire.Timeouts.Auth).ConfigureAwait(false);
        }
        return answer.Reply is { Code: >= 300 and < 400 } odd ? wire.Garbage(SmtpStage.Auth, SmtpWords.Of(odd)) : answer;
    }

    // Questions of LOGIN come in clear from some servers; no answer of ours depends on them.
    static byte[]? Challenge(SmtpReply reply) => SaslBase64.Decode(System.Text.Encoding.ASCII.GetBytes(reply.Lines[0])) ?? (reply.Lines[0].EndsWith(':') ? [] : null);

    void Write(string command, byte[]? secret)
    {
        wire.Connection.Write(System.Text.Encoding.ASCII.GetBytes(command));
        if (secret is not null)
        {
            if (command.Length > 0) wire.Connection.Write(" "u8);
            wire.Connection.Write(SaslBase64.Encode(secret));
            Secrets.Wipe(secret.AsSpan());
        }
        wire.Connection.Write("\r\n"u8);
    }

    SmtpFailure? Proven(SaslClient mechanism) => mechanism.ProofMissing
        ? wire.Break(SmtpStage.Auth, SmtpFailureKind.Garbage, "the server did not prove that it knows the password")
        : null;

    /// <summary>
    /// A mechanism the server does not do after all (RFC 4954 §4: 504) is passed over. A wrong proof of SCRAM may be one
    /// of a password that the server has no SCRAM keys for; the password itself goes only to a server that is who it should be.
    /// </summary>
    bool MayTryNext(SaslClient mechanism, SmtpReply reply) =>
        reply.Code is >= 500 and <= 504 || reply.Code == 535 && !mechanism.ShowsSecret && MayShow;

    static SmtpFailure Refused(SaslClient mechanism, SmtpReply reply)
    {
        var why = mechanism.ServerError is { Length: > 0 } error ? " " + CleanText.Of(error) : "";
        return new(SmtpStage.Auth, SmtpFailureKind.Reply, reply, $"the server refused the login by {mechanism.Name} with: {SmtpWords.Of(reply)}{why}");
    }

    static SmtpFailure Missing(IReadOnlyList<string> offered, bool hidden) => new(SmtpStage.Auth, SmtpFailureKind.Missing, null,
        hidden ? "the password or token would go in clear: the login needs TLS"
        : offered.Count == 0 ? "the server does not offer a login"
        : $"the server offers no login that can be used here, only {string.Join(' ', offered.Take(10))}");
}
