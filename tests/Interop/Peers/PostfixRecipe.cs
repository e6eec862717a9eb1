using Posthorn.Tests.Testing.Running;

namespace Posthorn.Tests.Interop.Peers;

/// <summary>Debian's Postfix, installed, with a configuration and a queue of its own.</summary>
sealed class PostfixRecipe : IPeerRecipe
{
    const string Daemons = "/usr/lib/postfix/sbin";

    public string? Missing() =>
        Tool.Missing("postfix") ?? (!File.Exists(Daemons + "/master") ? "not installed: " + Daemons + "/master" : Environment.IsPrivilegedProcess ? null : "setting up Postfix needs root");

    public string[] Prepare(string home, int port, PeerPlan plan)
    {
        foreach (var name in (string[])["etc", "queue", "state"]) Directory.CreateDirectory(Path.Combine(home, name));
        File.WriteAllText(Path.Combine(home, "etc", "main.cf"), $"""
            compatibility_level = 3.6
            queue_directory = {home}/queue
            data_directory = {home}/state
            command_directory = /usr/sbin
            daemon_directory = {Daemons}
            mail_owner = postfix
            setgid_group = postdrop
            myhostname = postfix.test
            mydestination =
            inet_interfaces = 127.0.0.1
            inet_protocols = ipv4
            smtp_bind_address = 127.0.0.1
            smtp_dns_support_level = disabled
            mynetworks = 127.0.0.0/8
            local_recipient_maps =
            alias_maps =
            alias_database =
            relay_domains = postfix.test, here.test
            transport_maps = texthash:{home}/etc/transport
            smtpd_recipient_restrictions = check_recipient_access texthash:{home}/etc/access, permit_mynetworks, reject
            smtpd_tls_security_level = may
            smtpd_tls_chain_files = {home}/key.pem, {home}/cert.pem
            smtpd_tls_received_header = yes
            smtp_tls_security_level = may
            smtp_tls_loglevel = 1
            debug_peer_list = 127.0.0.0/8
            debug_peer_level = 1
            message_size_limit = {plan.Size}
            maillog_file = {home}/log/log
            maillog_file_prefixes = {home}

            """);
        File.WriteAllText(Path.Combine(home, "etc", "master.cf"), $"""
            127.0.0.1:{port} inet n - n - - smtpd
            cleanup unix n - n - 0 cleanup
            qmgr unix n - n 300 1 qmgr
            tlsmgr unix - - n 1000? 1 tlsmgr
            rewrite unix - - n - - trivial-rewrite
            bounce unix - - n - 0 bounce
            defer unix - - n - 0 bounce
            trace unix - - n - 0 bounce
            flush unix n - n 1000? 0 flush
            proxymap unix - - n - - proxymap
            smtp unix - - n - - smtp
            relay unix - - n - - smtp
            error unix - - n - - error
            retry unix - - n - - error
            anvil unix - - n - 1 anvil
            scache unix - - n - 1 scache
            postlog unix-dgram n - n - 1 postlogd

            """);
        File.WriteAllText(Path.Combine(home, "etc", "transport"), $"postfix.test smtp:[127.0.0.1]:{plan.Sink}\n" + (plan.Here is { } here ? $"here.test smtp:[{here.Address}]:{here.Port}\n" : ""));
        File.WriteAllText(Path.Combine(home, "etc", "access"), $"{PeerPlan.Unknown}@postfix.test 550 5.1.1 {PeerPlan.Refusal}\n");
        foreach (var name in (string[])["dynamicmaps.cf", "postfix-files"])
        {
            if (File.Exists("/etc/postfix/" + name)) File.Copy("/etc/postfix/" + name, Path.Combine(home, "etc", name));
            else File.WriteAllText(Path.Combine(home, "etc", name), "");
        }
        return ["sh", "-c", $"chown postfix {home}/state && postfix -c {home}/etc check; exec {Daemons}/master -c {home}/etc -s"];
    }
}
