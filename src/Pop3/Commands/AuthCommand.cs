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
        await RunExchangeAsync(session, sasl, space < 0 ? null : argument[(space + 1)..], ct).ConfigureAwait(false);
    }

    static async ValueTask RunExchangeAsync(Pop3Session session, SaslServer sasl, ReadOnlyMemory<byte>? initial, CancellationToken ct)
    {
        byte[]? response;
        if (initial is { } given)
        {
            // RFC 5034 §4: "=" stands for an empty initial response.
            response = given.Span.SequenceEqual("="u8) ? [] : SaslBase64.Decode(given.Span);
            Secrets.Wipe(given);
        }
        else response = sasl.ClientFirst ? await AskAsync(session, []).ConfigureAwait(false) : [];

        while (response is not null)
        {
            var step = await sasl.StepAsync(response, ct).ConfigureAwait(false);
            Secrets.Wipe(response);
            switch (step.Kind)
            {
                case SaslStepKind.Done:
                    session.EndLogin(step.Result, sasl.Name);
                    return;
                case SaslStepKind.Challenge:
                    response = await AskAsync(session, step.Challenge).ConfigureAwait(false);
                    break;
                default:
                    response = null;
                    break;
            }
        }
        if (!session.IsOver) session.Bad("authentication exchange cancelled or malformed");
    }

    /// <summary>Sends a challenge and returns the decoded answer; null when the client cancelled, sent no base64 or went away.</summary>
    static async ValueTask<byte[]?> AskAsync(Pop3Session session, byte[] challenge)
    {
        session.Write("+ "u8);
        session.Write(SaslBase64.Encode(challenge));
        session.Write("\r\n"u8);
        var line = await session.Connection.ReadLineAsync(SaslBase64.MaxEncoded + 2, session.Server.Options.IdleTimeout).ConfigureAwait(false);
        switch (line.Status)
        {
            case LineStatus.Line:
                var response = SaslBase64.Decode(line.Text.Span); // "*" (cancel) is no base64 either
                Secrets.Wipe(line.Text);
                return response;
            case LineStatus.TooLong:
                return null;
            case LineStatus.Draining:
                session.Drain();
                return null;
            default:
                session.End(line.Status == LineStatus.TimedOut ? "autologout" : "connection lost", default);
                return null;
        }
    }
}
