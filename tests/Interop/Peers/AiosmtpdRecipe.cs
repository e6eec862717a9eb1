using System.Text.Json;
using Posthorn.Tests.Testing.Running;

namespace Posthorn.Tests.Interop.Peers;

/// <summary>Python's aiosmtpd, with a handler that logs each envelope as JSON and passes the text on to the sink.</summary>
/// <param name="SevenBit">It does not offer 8BITMIME.</param>
/// <param name="Login">It wants TLS and a login by XOAUTH2 with <see cref="PeerPlan.Token"/>.</param>
sealed class AiosmtpdRecipe(bool SevenBit, bool Login) : IPeerRecipe
{
    /// <summary>Debian's own interpreter: only there its packages are.</summary>
    public const string Python = "/usr/bin/python3";

    const string Script = """
        import base64, json, smtplib, ssl, sys, time
        from aiosmtpd.controller import Controller
        from aiosmtpd.smtp import AuthResult
        plan = json.loads(sys.argv[1])
        log = open(plan["log"], "a", buffering=1)
        class Handler:
            async def handle_EHLO(self, server, session, envelope, hostname, responses):
                log.write("offers " + json.dumps(responses) + "\n")
                session.host_name = hostname
                return responses
            async def auth_XOAUTH2(self, server, args):
                told = base64.b64decode(args[1])
                return AuthResult(success=told == b"user=me\x01auth=Bearer " + plan["token"].encode() + b"\x01\x01", handled=False)
            async def handle_MAIL(self, server, session, envelope, address, options):
                envelope.mail_from = address
                envelope.mail_options.extend(options)
                return "250 2.1.0 ok"
            async def handle_RCPT(self, server, session, envelope, address, options):
                if address.startswith(plan["unknown"] + "@"):
                    return "550 5.1.1 " + plan["refusal"]
                envelope.rcpt_tos.append(address)
                return "250 2.1.5 ok"
            async def handle_DATA(self, server, session, envelope):
                log.write(json.dumps({"from": envelope.mail_from, "to": envelope.rcpt_tos, "options": envelope.mail_options, "tls": session.ssl is not None}) + "\n")
                with smtplib.SMTP("127.0.0.1", plan["sink"]) as on:
                    on.sendmail(envelope.mail_from or "", envelope.rcpt_tos, envelope.original_content, mail_options=["BODY=8BITMIME"])
                return "250 2.0.0 taken"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(plan["certificate"], plan["key"])
        Controller(Handler(), hostname="127.0.0.1", port=plan["port"], tls_context=context, data_size_limit=plan["size"], decode_data=plan["seven"],
                   enable_SMTPUTF8=not plan["seven"], require_starttls=plan["login"], auth_required=plan["login"],
                   auth_exclude_mechanism=["LOGIN", "PLAIN"] + ([] if plan["login"] else ["XOAUTH2"])).start()
        time.sleep(3600)
        """;

    static readonly Lazy<bool> s_there = new(() =>
    {
        if (!File.Exists(Python)) return false;
        using var trial = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo(Python, ["-c", "import aiosmtpd"]) { RedirectStandardError = true })!;
        trial.WaitForExit();
        return trial.ExitCode == 0;
    });

    public string? Missing() => s_there.Value ? null : "not installed: python3-aiosmtpd";

    public string[] Prepare(string home, int port, PeerPlan plan)
    {
        var told = JsonSerializer.Serialize(new Dictionary<string, object>
        {
            ["log"] = Path.Combine(home, "log", "log"),
            ["port"] = port,
            ["sink"] = plan.Sink,
            ["size"] = plan.Size,
            ["seven"] = SevenBit,
            ["login"] = Login,
            ["token"] = PeerPlan.Token,
            ["unknown"] = PeerPlan.Unknown,
            ["refusal"] = PeerPlan.Refusal,
            ["certificate"] = Path.Combine(home, "cert.pem"),
            ["key"] = Path.Combine(home, "key.pem"),
        });
        return [Python, "-c", Script, told];
    }
}
