using Posthorn.Imap.Grammar;
using Posthorn.Imap.Session;
using Posthorn.Wire.Connections;
using Posthorn.Wire.Sasl;

namespace Posthorn.Imap.Commands;

/// <summary>AUTHENTICATE (RFC 9051 §6.2.2): a SASL exchange, with an initial response when the client likes (RFC 4959).</summary>
sealed class AuthenticateCommand : ImapCommand
{
    internal override string Verb => "AUTHENTICATE";

    internal override When When => When.Stranger;

    internal override async ValueTask<Reply> RunAsync(ImapSession session, Arguments arguments, CancellationToken ct)
    {
        var initial = Read(session, arguments, out var name);
        if (!session.MayLogIn)
        {
            Secrets.Wipe(initial);
            return Reply.No("PRIVACYREQUIRED", "no login before TLS: use STARTTLS");
        }
        var binding = session.ChannelBindingData();
        if (SaslServer.Create(name, session.Server.Authenticator, session.LoginContext, binding, plusOffered: binding is not null) is not { } sasl)
        {
            Secrets.Wipe(initial);
            return Reply.No("CANNOT", "mechanism not offered");
        }
        byte[]? response;
        if (!initial.IsEmpty) response = Initial(initial);
        else if (!sasl.ClientFirst) response = [];
        else
        {
            var answer = await AskAsync(session, []).ConfigureAwait(false);
            if (answer.Over is { } over) return over;
            response = answer.Response;
        }
        return await ExchangeAsync(session, sasl, response, ct).ConfigureAwait(false);
    }

    /// <summary>The initial response as it came; empty when there is none.</summary>
    static ReadOnlyMemory<byte> Read(ImapSession session, Arguments arguments, out string name)
    {
        var reader = arguments.Read(session);
        reader.SP();
        name = reader.AtomText();
        if (reader.AtEnd) return default;
        reader.SP();
        var at = reader.At;
        if (arguments.Text.Span[at..].IndexOf((byte)' ') >= 0 || at == arguments.Text.Length) throw reader.Bad("a response in base64 expected");
        return arguments.Text[at..];
    }

    // RFC 4959 §3: "=" stands for an empty initial response.
    static byte[]? Initial(ReadOnlyMemory<byte> given)
    {
        var response = given.Span.SequenceEqual("="u8) ? [] : SaslBase64.Decode(given.Span);
        Secrets.Wipe(given);
        return response;
    }

    static async ValueTask<Reply> ExchangeAsync(ImapSession session, SaslServer sasl, byte[]? response, CancellationToken ct)
    {
        while (response is not null)
        {
            var step = await sasl.StepAsync(response, ct).ConfigureAwait(false);
            Secrets.Wipe(response);
            if (step.Kind == SaslStepKind.Done)
                return step.Result is { Outcome: LoginOutcome.Accepted, Principal: { } who } ? session.LogIn(who) : session.RefuseLogin(step.Result.Outcome, sasl.Name);
            if (step.Kind == SaslStepKind.Malformed) break;
            var answer = await AskAsync(session, step.Challenge).ConfigureAwait(false);
            if (answer.Over is { } over) return over;
            response = answer.Response;
        }
        return Reply.Bad("not a response of this mechanism");
    }

    /// <summary>
    /// Sends a challenge. <c>Over</c> is the end of the exchange, when the client cancelled or is gone; <c>Response</c> is null
    /// when the answer is not base64.
    /// </summary>
    static async ValueTask<(Reply? Over, byte[]? Response)> AskAsync(ImapSession session, byte[] challenge)
    {
        session.Out.Raw("+ "u8);
        session.Out.Raw(SaslBase64.Encode(challenge));
        session.Out.EndLine();
        var line = await session.Connection.ReadLineAsync(SaslBase64.MaxEncoded + 2, session.Server.Options.IdleTimeout).ConfigureAwait(false);
        switch (line.Status)
        {
            case LineStatus.Line when line.Text.Span.SequenceEqual("*"u8):
                return (Reply.Bad("authentication cancelled"), null); // RFC 9051 §6.2.2
            case LineStatus.Line:
                var response = SaslBase64.Decode(line.Text.Span);
                Secrets.Wipe(line.Text);
                return (null, response);
            case LineStatus.TooLong:
                return (null, null);
            case LineStatus.Draining:
                session.Drain();
                break;
            case LineStatus.TimedOut:
                session.Bye("autologout", "autologout; idle for too long");
                break;
            default:
                session.End("connection lost");
                break;
        }
        return (Reply.None, null);
    }
}
