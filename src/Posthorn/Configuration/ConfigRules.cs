namespace Posthorn.Configuration;

/// <summary>Rules that need more than one value, or more than its form.</summary>
static class ConfigRules
{
    static readonly ListenerProtocol[] Later = [ListenerProtocol.Http, ListenerProtocol.Https];

    public static void Check(ServerOptions options, IReadOnlyDictionary<string, Origin> origins, Origin top, List<ConfigError> errors)
    {
        void Wrong(string option, string message)
        {
            // What was not given is reported where its section is.
            var at = origins.GetValueOrDefault(option);
            for (var p = option; at is null && p.LastIndexOf('.') is > 0 and var dot;) at = origins.GetValueOrDefault(p = p[..dot]);
            errors.Add(new(at ?? top, option, message));
        }

        if (!IsHostName(options.Hostname)) Wrong("hostname", "must be a host name like \"mail.example.org\"");
        if (options.Delivery.SrsDomain is { } srs && !IsHostName(srs)) Wrong("delivery.srsDomain", "must be a domain like \"example.org\"");
        if (options.Accounts.DefaultDomain is { } domain && !IsHostName(domain)) Wrong("accounts.defaultDomain", "must be a domain like \"example.org\"");
        // RFC 9738 §3
        if (options.Imap.MessageLimit is > 0 and < 1000) Wrong("imap.messageLimit", "must be 0 or at least 1000");
        if (options.Imap.SaveLimit is > 0 and < 1000) Wrong("imap.saveLimit", "must be 0 or at least 1000");
        if (options.Imap is { MessageLimit: > 0, SaveLimit: > 0 }) Wrong("imap.saveLimit", "is a part of imap.messageLimit: give one of the two");
        Listeners(options, Wrong);
        Store(options.Store, Wrong);
        for (var i = 0; i < options.Tls.Certificates.Count; i++)
        {
            var certificate = options.Tls.Certificates[i];
            if (!File.Exists(certificate.Certificate)) Wrong($"tls.certificates[{i}].certificate", $"there is no file {certificate.Certificate}");
            if (!File.Exists(certificate.Key)) Wrong($"tls.certificates[{i}].key", $"there is no file {certificate.Key}");
            for (var h = 0; h < certificate.Hosts.Count; h++)
            {
                var host = certificate.Hosts[h];
                if (!IsHostName(host.StartsWith("*.", StringComparison.Ordinal) ? host[2..] : host)) Wrong($"tls.certificates[{i}].hosts[{h}]", "must be a host name, or \"*.\" and a domain");
            }
        }
        if (options.Limits.ConnectionsPerNetwork < options.Limits.ConnectionsPerAddress) Wrong("limits.connectionsPerNetwork", "must not be less than limits.connectionsPerAddress");
        if (options.Limits.Drain > TimeSpan.FromHours(1)) Wrong("limits.drain", "must be at most \"1 h\"");
        if (options.Control.Socket is { } socket && System.Text.Encoding.UTF8.GetByteCount(socket) > 107) Wrong("control.socket", "the path of a Unix socket must not be longer than 107 octets");
        if (options.Control.Socket is null && System.Text.Encoding.UTF8.GetByteCount(Path.Combine(options.DataDirectory, "control.sock")) > 107)
            Wrong("dataDirectory", "is too long for the path of the control socket in it; set control.socket to a shorter one");
        if (options.Sendmail.Socket is { } letters && System.Text.Encoding.UTF8.GetByteCount(letters) > 107) Wrong("sendmail.socket", "the path of a Unix socket must not be longer than 107 octets");
        if (options.Sendmail is { Socket: null, Users: SendmailUsers.All }) Wrong("sendmail.users", "\"all\" needs sendmail.socket: others do not come into the data directory; \"/run/posthorn/sendmail.sock\" is where they look for it");
        if (options.Sendmail.Socket is null && System.Text.Encoding.UTF8.GetByteCount(Path.Combine(options.DataDirectory, "sendmail.sock")) > 107)
            Wrong("dataDirectory", "is too long for the path of the sendmail socket in it; set sendmail.socket to a shorter one");
    }

    static void Listeners(ServerOptions options, Action<string, string> wrong)
    {
        var seen = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < options.Listeners.Count; i++)
        {
            var listener = options.Listeners[i];
            if (Later.Contains(listener.Protocol)) wrong($"listeners[{i}].protocol", $"{listener.Protocol.ToString().ToLowerInvariant()} is not in this version");
            if (listener.PlaintextLogin == PlaintextLogin.Loopback && listener.Protocol is ListenerProtocol.Submissions or ListenerProtocol.Pop3s or ListenerProtocol.Imaps && listener.PlaintextLogin == PlaintextLogin.Loopback)
                wrong($"listeners[{i}].plaintextLogin", $"{listener.Protocol.ToString().ToLowerInvariant()} is always encrypted");
            if (!seen.TryAdd(listener.Address.ToString(), i)) wrong($"listeners[{i}].address", $"is the address of listeners[{seen[listener.Address.ToString()]}] too");
        }
    }

    static void Store(StoreSection store, Action<string, string> wrong)
    {
        if (store.ConnectionString is not null && store.ConnectionStringFile is not null) wrong("store.connectionStringFile", "give it or store.connectionString, not both");
        var named = store.ConnectionString is not null || store.ConnectionStringFile is not null;
        if (store.Engine == StoreEngine.Postgres && !named) wrong("store.engine", "\"postgres\" needs store.connectionString or store.connectionStringFile");
        if (store.Engine == StoreEngine.Sqlite && named) wrong(store.ConnectionString is not null ? "store.connectionString" : "store.connectionStringFile", "is only for store.engine \"postgres\"");
        if (store.ConnectionStringFile is { } file && !File.Exists(file)) wrong("store.connectionStringFile", $"there is no file {file}");
    }

    /// <summary>Letters, digits and hyphens between dots (RFC 1123 §2.1), A-labels for others.</summary>
    internal static bool IsHostName(string name)
    {
        if (name.Length is 0 or > 253) return false;
        foreach (var label in name.Split('.'))
        {
            if (label.Length is 0 or > 63 || label[0] == '-' || label[^1] == '-') return false;
            foreach (var c in label)
                if (!char.IsAsciiLetterOrDigit(c) && c != '-') return false;
        }
        return true;
    }
}
