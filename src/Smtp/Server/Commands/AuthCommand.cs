using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Posthorn.Smtp.Grammar;
using Posthorn.Wire.Connections;
using Posthorn.Wire.Sasl;

namespace Posthorn.Smtp.Server.Commands;

/// <summary>AUTH (RFC 4954): a SASL login, on submission ports only.</summary>
sealed class AuthCommand : SmtpCommand
{
    /// <summary>A command with the longest initial response: verb, mechanism (20, RFC 4422 §3.1), spaces, CRLF.</summary>
    internal const int MaxLine = SaslBase64.MaxEncoded + 32;

    internal override string Verb => "AUTH";
    internal override When When => When.OnSubmission | When.Greeted | When.NotInMail | When.EndsGroup;
    internal override string Form => "AUTH mechanism [initial-response]";

    /// <summary>The mechanisms that this client may use now; none elsewhere than on submission, in the clear, or once logged in.</summary>
    internal static IReadOnlyList<string> Offered(SmtpSession s) =>
        s.Client.Service != SmtpService.Submission || s.LoggedIn ? []
        : SaslMechanisms.Offered(s.Connection.Tls is not null, s.Listener.PlaintextLogin && IPAddress.IsLoopback(s.Client.Address),
            Binding(s) is not null);

    static byte[]? Binding(SmtpSession s) => s.Connection.Tls is { } tls
        ? ChannelBinding.ServerEndPoint(s.Connection.ServerCertificate ?? tls.LocalCertificate as X509Certificate2)
        : null;

    internal override async ValueTask RunAsync(SmtpSession session, ReadOnlyMemory<byte> argument)
    {
        if (session.LoggedIn)
        {
            session.Refuse("503 5.5.1 Already logged in\r\n"u8); // RFC 4954 §4
            return;
        }
        var offered = Offered(session);
        if (offered.Count == 0)
        {
            session.Refuse("538 5.7.11 Encryption required for login\r\n"u8);
            return;
        }
        var sasl = Start(session, argument.Span, offered, out var response);
        Secrets.Wipe(argument);
        if (sasl is not null) await ExchangeAsync(session, sasl, response).ConfigureAwait(false);
    }

    // sasl-mech [SP initial-response]; "=" stands for an empty one (RFC 4954 §4)
    static SaslServer? Start(SmtpSession session, ReadOnlySpan<byte> argument, IReadOnlyList<string> offered, out byte[]? response)
    {
        response = null;
        var r = new ArgumentReader(argument);
        var name = r.Token();
        var initial = r.Token();
        r.End();
        if (name.Length is 0 or > 20) throw new BadSyntax(SmtpFault.Arguments);
        var mechanism = Encoding.ASCII.GetString(name).ToUpperInvariant();
        var plus = offered.Contains("SCRAM-SHA-256-PLUS");
        var context = new LoginContext("submission", session.Client.Address, session.Connection.Tls is not null);
        if (!offered.Contains(mechanism) || SaslServer.Create(mechanism, session.Server.Authenticator, context, Binding(session), plus) is not { } sasl)
        {
            session.Refuse("504 5.5.4 Unknown mechanism\r\n"u8);
            return null;
        }
        if (initial.Length == 0) return sasl;
        response = initial is [(byte)'='] ? [] : SaslBase64.Decode(initial);
        if (response is not null && (sasl.ClientFirst || response.Length > 0)) return sasl;
        session.Refuse("501 5.5.2 Bad base64\r\n"u8);
        return null;
    }

    static async ValueTask ExchangeAsync(SmtpSession session, SaslServer sasl, byte[]? response)
    {
        if (response is null && sasl.ClientFirst)
        {
            response = await AskAsync(session, []).ConfigureAwait(false);
            if (response is null) return;
        }
        response ??= [];
        while (true)
        {
            var step = await sasl.StepAsync(response, session.Stop).ConfigureAwait(false);
            Secrets.Wipe(response);
            if (step.Kind == SaslStepKind.Malformed)
            {
                session.Refuse("501 5.5.2 Malformed response\r\n"u8);
                return;
            }
            if (step.Kind == SaslStepKind.Done)
            {
                Finish(session, sasl.Name, step.Result);
                return;
            }
            response = await AskAsync(session, step.Challenge).ConfigureAwait(false);
            if (response is null) return;
        }
    }

    /// <summary>Sends a challenge and reads the answer; null when the exchange is over and answered.</summary>
    static async ValueTask<byte[]?> AskAsync(SmtpSession session, byte[] challenge)
    {
        session.Reply("334 "u8);
        session.Reply(SaslBase64.Encode(challenge));
        session.Reply("\r\n"u8);
        var line = await session.Connection.ReadLineAsync(SaslBase64.MaxEncoded + 2, session.Options.CommandTimeout).ConfigureAwait(false);
        if (line.Status == LineStatus.TooLong) session.Refuse("500 5.5.6 Authentication exchange line too long\r\n"u8); // RFC 4954 §4
        else if (line.Status != LineStatus.Line) session.EndBy(line.Status);
        else if (line.Text.Span is [(byte)'*']) session.Refuse("501 5.7.0 Authentication cancelled\r\n"u8);
        else if (SaslBase64.Decode(line.Text.Span) is { } response)
        {
            Secrets.Wipe(line.Text);
            return response;
        }
        else session.Refuse("501 5.5.2 Bad base64\r\n"u8);
        return null;
    }

    static void Finish(SmtpSession session, string mechanism, LoginResult result)
    {
        switch (result.Outcome)
        {
            case LoginOutcome.Accepted when result.Principal is { } principal:
                session.Client.Principal = principal;
                session.SetDeadline();
                session.LogLogin(mechanism, principal.Address);
                session.Reply("235 2.7.0 Authentication successful\r\n"u8);
                break;
            case LoginOutcome.Rejected:
                session.Conduct.RefuseLogin(mechanism);
                break;
            case LoginOutcome.Throttled:
                session.End("421 4.7.0 Too many logins, try again later\r\n"u8, "login throttled");
                break;
            default:
                session.Reply("454 4.7.0 Temporary authentication failure\r\n"u8);
                break;
        }
    }
}
