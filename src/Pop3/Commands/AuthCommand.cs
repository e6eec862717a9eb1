using System.Text;
using Posthorn.Wire.Connections;
using Posthorn.Wire.Sasl;

namespace Posthorn.Pop3.Commands;

/// <summary>AUTH (RFC 5034): a SASL exchange, with an initial response when the client likes.</summary>
sealed class AuthCommand : Pop3Command
{
    internal override string Verb => "AUTH";

    internal override When When => When.Authorization | When.NeedsArgument | When.LongLine;

    internal override async ValueTask RunAsync(Pop3Session session, ReadOnlyMemory<byte> argument, CancellationToken ct)
    {
        session.UserName = null;
        if (!session.MayLogIn)
        {
            Secrets.Wipe(argument);
            session.Err("no login before TLS: use STLS");
            return;
        }
        var space = argument.Span.IndexOf((byte)' ');
        var name = Encoding.ASCII.GetString(space < 0 ? argument.Span : argument.Span[..space]);
        var binding = session.ChannelBindingData();
        if (SaslServer.Create(name, session.Server.Authenticator, session.LoginContext, binding, plusOffered: binding is not null) is not { } sasl)
        {
            session.Bad("mechanism not offered");
            return;
        }
        byte[]? response;
        if (space >= 0) response = Initial(argument[(space + 1)..]);
        else if (!sasl.ClientFirst) response = [];
        else if (await AskAsync(session, []).ConfigureAwait(false) is { Said: true } answer) response = answer.Response;
        else return;
        await RunExchangeAsync(session, sasl, response, ct).ConfigureAwait(false);
    }

    // RFC 5034 §4: "=" stands for an empty initial response.
    static byte[]? Initial(ReadOnlyMemory<byte> given)
    {
        var response = given.Span.SequenceEqual("="u8) ? [] : SaslBase64.Decode(given.Span);
        Secrets.Wipe(given);
        return response;
    }

    static async ValueTask RunExchangeAsync(Pop3Session session, SaslServer sasl, byte[]? response, CancellationToken ct)
    {
        while (response is not null)
        {
            var step = await sasl.StepAsync(response, ct).ConfigureAwait(false);
            Secrets.Wipe(response);
            if (step.Kind == SaslStepKind.Done)
            {
                session.EndLogin(step.Result, sasl.Name);
                return;
            }
            if (step.Kind == SaslStepKind.Malformed) break;
            var answer = await AskAsync(session, step.Challenge).ConfigureAwait(false);
            if (!answer.Said) return;
            response = answer.Response;
        }
        session.Bad("not a response of this mechanism");
    }

    /// <summary>
    /// Sends a challenge. <c>Said</c> is false when the exchange is over and all is said (cancelled, gone);
    /// <c>Response</c> is null when the answer is not base64.
    /// </summary>
    static async ValueTask<(bool Said, byte[]? Response)> AskAsync(Pop3Session session, byte[] challenge)
    {
        session.Write("+ "u8);
        session.Write(SaslBase64.Encode(challenge));
        session.Write("\r\n"u8);
        var line = await session.Connection.ReadLineAsync(SaslBase64.MaxEncoded + 2, session.Server.Options.IdleTimeout).ConfigureAwait(false);
        switch (line.Status)
        {
            case LineStatus.Line when line.Text.Span.SequenceEqual("*"u8):
                session.Err("authentication cancelled"); // RFC 5034 §4
                return default;
            case LineStatus.Line:
                var response = SaslBase64.Decode(line.Text.Span);
                Secrets.Wipe(line.Text);
                return (true, response);
            case LineStatus.TooLong:
                return (true, null);
            case LineStatus.Draining:
                session.Drain();
                return default;
            default:
                session.End(line.Status == LineStatus.TimedOut ? "autologout" : "connection lost", default);
                return default;
        }
    }
}
