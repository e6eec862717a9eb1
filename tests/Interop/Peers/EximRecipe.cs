namespace Posthorn.Tests.Interop.Peers;

/// <summary>Debian's Exim, unpacked.</summary>
sealed class EximRecipe : IPeerRecipe
{
    const string Package = "exim4-daemon-light", Program = "usr/sbin/exim4";

    public string? Missing() => Unpacked.Missing(Package, Program);

    public string[] Prepare(string home, int port, PeerPlan plan)
    {
        var program = Unpacked.Program(Package, Program);
        var spool = Path.Combine(home, "spool");
        Directory.CreateDirectory(spool);
        File.WriteAllText(Path.Combine(home, "conf"), $"""
            exim_path = {program}
            keep_environment = LD_LIBRARY_PATH
            primary_hostname = exim.test
            spool_directory = {spool}
            log_file_path = {home}/log/%s
            log_selector = +all -arguments -queue_run
            local_interfaces = 127.0.0.1
            daemon_smtp_ports = {port}
            host_lookup =
            rfc1413_hosts =
            message_size_limit = {plan.Size}
            bounce_return_size_limit = 10K
            dsn_advertise_hosts = *
            chunking_advertise_hosts = *
            smtputf8_advertise_hosts = *
            tls_advertise_hosts = *
            tls_certificate = {home}/cert.pem
            tls_privatekey = {home}/key.pem
            acl_smtp_rcpt = recipient
            acl_smtp_data = accept

            begin acl
            recipient:
              deny domains = exim.test
                   local_parts = {PeerPlan.Unknown}
                   message = {PeerPlan.Refusal}
              accept hosts = 127.0.0.1

            begin routers
            on:
              driver = manualroute
              transport = on
              route_list = exim.test 127.0.0.1::{plan.Sink} byname{(plan.Here is { } here ? $" ; here.test {here.Address}::{here.Port} byname" : "")}
              self = send

            begin transports
            on:
              driver = smtp
              allow_localhost
              interface = 127.0.0.1

            begin retry
            * * F,1h,10s

            """);
        // It reads no configuration that others than root could write. Of its three logs the main one has all that is asked for.
        return Unpacked.Command(home, ["Debian-exim"], $"""
            chown Debian-exim: log spool key.pem cert.pem
            ln -s main log/log
            exec {program} -C {home}/conf -bdf -q5s -oP {home}/pid
            """);
    }
}
