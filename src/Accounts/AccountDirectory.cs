using Posthorn.Accounts.Addresses;
using Posthorn.Accounts.Routes;
using Posthorn.Storage;
using Posthorn.Wire.Addresses;

namespace Posthorn.Accounts;

/// <summary>Where an address ends.</summary>
public abstract record Destination
{
    /// <summary>A mailbox here. <paramref name="Detail"/> is the part after "+", or null.</summary>
    /// <param name="Address">The account's main address.</param>
    public sealed record Local(long AccountId, EmailAddress Address, string? Detail) : Destination;

    /// <summary>An address that the mail leaves for: on another host, or one of ours that a route takes from its mailbox.</summary>
    /// <param name="ForwardedBy">The address of ours that sends it on, by an alias or a forward; null when nobody does.</param>
    public sealed record Foreign(EmailAddress Address, EmailAddress? ForwardedBy = null) : Destination
    {
        // One copy for an address, however many of ours lead there.
        public bool Equals(Foreign? other) => other is not null && Address.Equals(other.Address);

        public override int GetHashCode() => Address.GetHashCode();
    }
}

/// <summary>How an address was resolved.</summary>
public enum ResolutionStatus
{
    /// <summary>It ends in one or more destinations.</summary>
    Found,

    /// <summary>The domain is ours, the address is not there: 550 5.1.1.</summary>
    NoSuchUser,

    /// <summary>The account is disabled: 550 5.2.1.</summary>
    Disabled,

    /// <summary>The domain is not ours: relaying is a matter of policy.</summary>
    NotLocal,

    /// <summary>A loop or too deep an expansion in what is stored (saving refuses these; kept as a defence): 451 4.3.5 Temporary.</summary>
    Broken,
}

/// <summary>The result of resolving one address.</summary>
/// <param name="Steps">Each step in words, for <c>address explain</c> and the story; empty unless asked for.</param>
public sealed record Resolution(ResolutionStatus Status, IReadOnlyList<Destination> Destinations, IReadOnlyList<string> Steps);

/// <summary>
/// Domains, accounts, aliases and routes as an immutable picture in memory, made anew after each committed change: RCPT costs no
/// query. Thread-safe.
/// </summary>
public sealed class AccountDirectory : IDisposable
{
    readonly Func<DirectoryRows> _load;
    readonly MailStore? _store;
    readonly Lock _loading = new();
    AddressBook _book;
    int _wanted = 1;
    int _have;

    internal AccountOptions Options { get; }

    public AccountDirectory(MailStore store, AccountOptions options)
        : this(() => store.Read(DirectoryRows.Load), options)
    {
        _store = store;
        store.Changes.DirectoryChanged += Stale;
        Stale(); // what changed between the first load and the subscription
    }

    internal AccountDirectory(Func<DirectoryRows> load, AccountOptions options)
    {
        _load = load;
        Options = options;
        _book = AddressBook.Build(new([], [], [], [], []), options);
        Reload();
    }

    /// <summary>The picture as of the last committed change.</summary>
    internal AddressBook Book => Volatile.Read(ref _wanted) == Volatile.Read(ref _have) ? Volatile.Read(ref _book) : Fresh();

    /// <summary>The ways by which mail leaves, as of the last committed change.</summary>
    public RouteBook Routes => Book.Routes;

    /// <summary>True when mail for this domain is ours: listed, another name of a listed one, or below a <c>*@*.domain</c> pattern. Also for disabled ones.</summary>
    public bool IsLocalDomain(string domain) => Book.IsLocalDomain(domain);

    /// <summary>Follows domain aliases, accounts and their forwards, "+tag", alias patterns and routes of our own addresses to the destinations, in the order of docs/addresses.md.</summary>
    public Resolution Resolve(EmailAddress address, bool explain = false) => Resolver.Resolve(Book, address, explain);

    /// <summary>
    /// <c>RCPT TO:&lt;postmaster&gt;</c> without a domain (RFC 5321 §4.1.1.3): the postmaster of the default domain, or of the
    /// first domain there is.
    /// </summary>
    public Resolution ResolvePostmaster(bool explain = false)
    {
        var book = Book;
        var domain = (Options.DefaultDomain is { } name ? book.MainDomain(name) : null) ?? book.FirstDomain;
        return domain is null
            ? new Resolution(ResolutionStatus.NoSuchUser, [], explain ? ["there is no domain here yet, so there is no postmaster"] : [])
            : Resolver.Resolve(book, new EmailAddress("postmaster", domain.Row.Name), explain);
    }

    /// <summary>The current row of one account; null when there is none. Used and Messages are as of the last change of the directory.</summary>
    public Storage.Directory.AccountRow? Account(long accountId) => Book.Account(accountId)?.Row;

    /// <summary>The main address of an account; null when there is none.</summary>
    public EmailAddress? AddressOf(long accountId) => Book.Account(accountId)?.Address;

    /// <summary>
    /// The account that a login name means: "user@domain", also under another name of the domain, or "user" with
    /// accounts.defaultDomain. Aliases do not log in, nor do subaddresses. Disabled accounts are returned too.
    /// </summary>
    public Storage.Directory.AccountRow? ByLogin(string name) => Login(name).Account?.Row;

    /// <summary>True when mail sent as <paramref name="address"/> may come from this account: its address, its domain's aliases of it, subaddresses, aliases that reach only it.</summary>
    public bool MaySendAs(long accountId, EmailAddress address)
    {
        var book = Book;
        if (book.Account(accountId) is not { Row.Enabled: true } account) return false;
        // Its own address, even where an alias of the same name also sends copies elsewhere.
        if (book.MainDomain(address.Domain) is { } domain && domain.Row.Id == account.Row.DomainId)
        {
            var match = book.Find(domain, domain.Row.Name, address.LocalPart);
            if (match.Account == account && match.Kind is MatchKind.Account or MatchKind.Alias) return domain.Row.Enabled;
        }
        var resolution = Resolver.Owners(book, address);
        if (resolution.Status != ResolutionStatus.Found) return false;
        foreach (var destination in resolution.Destinations)
            if (destination is not Destination.Local local || local.AccountId != accountId) return false;
        return true;
    }

    /// <summary>Fetches the picture anew; called by itself at the first use after each change.</summary>
    public void Reload()
    {
        Stale();
        Fresh();
    }

    public void Dispose()
    {
        if (_store is not null) _store.Changes.DirectoryChanged -= Stale;
    }

    /// <summary>
    /// A login name in its one normal form (domain completed, its other names replaced, lower case), and its account. The
    /// form is the same whether or not there is an account, so that nothing derived from it tells.
    /// </summary>
    internal (string Key, AccountEntry? Account) Login(string name)
    {
        var book = Book;
        if (name.Length > EmailAddress.MaxLocalPart + 1 + EmailAddress.MaxDomain) return (name, null);
        if (!name.Contains('@') && Options.DefaultDomain is { } completion) name += "@" + completion;
        if (EmailAddress.TryParse(name) is not { } address) return (name.ToLowerInvariant(), null);
        if (book.MainDomain(address.Domain) is not { } domain) return (address.Key, null);
        var account = domain.Accounts.GetValueOrDefault(address.LocalPart);
        return ((address with { Domain = domain.Row.Name }).Key, account);
    }

    void Stale() => Interlocked.Increment(ref _wanted);

    // The change only marks the picture as old (that runs on the store's writer); whoever asks next loads it. A load that
    // fails reaches the caller as a fault: a temporary answer is better than one from before a revocation.
    AddressBook Fresh()
    {
        lock (_loading)
        {
            var wanted = Volatile.Read(ref _wanted);
            if (wanted == _have) return _book;
            var book = AddressBook.Build(_load(), Options);
            Volatile.Write(ref _book, book);
            Volatile.Write(ref _have, wanted);
            return book;
        }
    }
}

/// <summary>The <c>accounts</c> section of the configuration.</summary>
public sealed record AccountOptions
{
    /// <summary>The domain that completes a login name without one; null for none.</summary>
    public string? DefaultDomain { get; init; }

    /// <summary>The character between user and tag in a subaddress.</summary>
    public char SubaddressSeparator { get; init; } = '+';

    /// <summary>True when SCRAM logins work with passwords that people chose too (docs/adr/0019-scram-for-passwords.md).</summary>
    public bool ScramPasswords { get; init; } = true;
}
