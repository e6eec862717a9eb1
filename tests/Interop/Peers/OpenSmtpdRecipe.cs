namespace Posthorn.Tests.Interop.Peers;

/// <summary>Debian's OpenSMTPD, unpacked. Its queue and its control socket have fixed places, which are its own here.</summary>
sealed class OpenSmtpdRecipe : IPeerRecipe
{
    const string Package = "opensmtpd", Program = "usr/sbin/smtpd";

    public string? Missing() => Unpacked.Missing(Package, Program);

    public string[] Prepare(string home, int port, PeerPlan plan)
    {
        foreach (var name in (string[])["run", "spool"]) Directory.CreateDirectory(Path.Combine(home, name));
        File.WriteAllText(Path.Combine(home, "unknown"), $"{PeerPlan.Unknown}@opensmtpd.test\n");
        File.WriteAllText(Path.Combine(home, "conf"), $"""
            pki opensmtpd.test cert "{home}/cert.pem"
            pki opensmtpd.test key "{home}/key.pem"
            table unknown file:{home}/unknown
            smtp max-message-size {plan.Size}
            listen on 127.0.0.1 port {port} tls pki opensmtpd.test hostname opensmtpd.test
            action "sink" relay host smtp://127.0.0.1:{plan.Sink} src 127.0.0.1 helo opensmtpd.test
            {(plan.Here is { } here ? $"action \"here\" relay host smtp+tls://{here.Address}:{here.Port} tls no-verify src 127.0.0.1 helo opensmtpd.test" : "")}
            match from any for domain "opensmtpd.test" rcpt-to <unknown> reject
            match from any for domain "opensmtpd.test" action "sink"
            {(plan.Here is null ? "" : "match from any for domain \"here.test\" action \"here\"")}

            """);
        return Unpacked.Command(home, ["opensmtpd", "opensmtpq"], $"""
            mount --bind run /run
            mount --bind spool /var/spool
            mount -t tmpfs none /var/lib
            mkdir -p /var/lib/opensmtpd/empty
            exec {Unpacked.Program(Package, Program)} -d -v -T smtp -f {home}/conf > {home}/log/log 2>&1
            """);
    }
}
