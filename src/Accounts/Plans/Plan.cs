using Posthorn.Accounts.Addresses;
using Posthorn.Accounts.Routes;
using Posthorn.Storage.Directory;

namespace Posthorn.Accounts.Plans;

/// <summary>A domain in a plan.</summary>
/// <param name="Aliases">Its other names.</param>
public sealed record PlanDomain(string Name, IReadOnlyList<string> Aliases, bool Enabled = true);

/// <summary>An account in a plan.</summary>
/// <param name="Hash">Its password hash; null leaves a password that is there as it is.</param>
/// <param name="Quota">Octets; 0 for none.</param>
/// <param name="Salt">The base64 of the salt that its app passwords are bound to; there whenever one is.</param>
/// <param name="AppPasswords">All its app passwords; null leaves those that are there as they are.</param>
public sealed record PlanAccount(string Address, string? Hash, string Name = "", long Quota = 0, string Language = "en", bool Enabled = true,
    string? Salt = null, IReadOnlyList<PlanAppPassword>? AppPasswords = null)
{
    /// <summary>Where its mail is sent on to; empty for nowhere.</summary>
    public IReadOnlyList<string> Forward { get; init; } = [];

    /// <summary>True when what is sent on stays in the mailbox too.</summary>
    public bool KeepsForwarded { get; init; } = true;

    /// <summary>Messages it may have; 0 for no bound.</summary>
    public long MessageQuota { get; init; }
}

/// <summary>An alias in a plan.</summary>
public sealed record PlanAlias(string Pattern, IReadOnlyList<string> Targets, bool Enabled = true);

/// <summary>A route in a plan.</summary>
/// <param name="Pattern">In its normal form; empty for the default.</param>
/// <param name="Settings">Checked against the transport.</param>
public sealed record PlanRoute(RouteKind Kind, string Pattern, Transport Transport, RouteSettings Settings);

/// <summary>Domains, accounts, aliases and routes as one readable document: see <see cref="PlanWriter"/> and <see cref="PlanReader"/>.</summary>
public sealed record Plan(IReadOnlyList<PlanDomain> Domains, IReadOnlyList<PlanAccount> Accounts, IReadOnlyList<PlanAlias> Aliases)
{
    public IReadOnlyList<PlanRoute> Routes { get; init; } = [];

    /// <summary>Reads a document; throws <see cref="AccountRefusal"/> ("plan") with path and line for whatever is wrong with it.</summary>
    public static Plan Parse(ReadOnlySpan<byte> json) => PlanReader.Read(json);

    /// <summary>The document, one line for each domain, account, alias and route.</summary>
    public override string ToString() => PlanWriter.Write(this);

    // In the order of the rows, so that applying it makes them in that order again (the first account of a domain matters).
    internal static Plan Of(DirectoryRows rows, bool secrets)
    {
        var names = rows.Domains.ToDictionary(d => d.Id, d => d.Name);
        var passwords = secrets ? rows.AppPasswords.OrderBy(p => p.Id).ToLookup(p => p.AccountId) : Enumerable.Empty<AppPasswordRow>().ToLookup(p => p.AccountId);
        string Address(AccountRow row) => new Wire.Addresses.EmailAddress(row.LocalPart, names[row.DomainId]).ToString();
        return new(
            [.. rows.Domains.Where(d => d.AliasOf is null).OrderBy(d => d.Id)
                .Select(d => new PlanDomain(d.Name, [.. rows.Domains.Where(a => a.AliasOf == d.Id).OrderBy(a => a.Id).Select(a => a.Name)], d.Enabled))],
            [.. rows.Accounts.Where(a => names.ContainsKey(a.DomainId)).OrderBy(a => a.Id)
                .Select(a => new PlanAccount(Address(a), secrets ? a.PasswordHash : null, a.Name, a.Quota, a.Language, a.Enabled,
                    passwords.Contains(a.Id) ? Convert.ToBase64String(a.ScramSalt) : null,
                    passwords.Contains(a.Id) ? [.. passwords[a.Id].Select(PlanAppPassword.Of)] : null)
                {
                    Forward = a.Forward,
                    KeepsForwarded = a.KeepsForwarded,
                    MessageQuota = a.MessageQuota,
                })],
            [.. rows.Aliases.OrderBy(a => a.Id).Select(a => new PlanAlias(a.Pattern, a.Targets, a.Enabled))])
        {
            Routes = [.. RouteRows.Book(rows.Routes).All.Select(r => new PlanRoute(r.Kind, r.Pattern, r.Transport, r.Settings))],
        };
    }
}
