using Posthorn.Storage.Directory;

namespace Posthorn.Accounts.Plans;

/// <summary>
/// The step from the app passwords of an account to those of a plan. They are one set with the salt they are bound to: a
/// plan that names them replaces the set; under the same salt those that are equal stay, with their last use.
/// </summary>
sealed class PlanAppPasswords
{
    readonly AccountRow _account;
    readonly PlanAccount _wanted;
    readonly bool _salt; // another one
    readonly List<AppPasswordRow> _gone = [];
    readonly List<PlanAppPassword> _missing = [];

    public PlanAppPasswords(AccountRow account, IReadOnlyList<AppPasswordRow> there, PlanAccount wanted)
    {
        (_account, _wanted) = (account, wanted);
        if (wanted.AppPasswords is not { } passwords) return;
        _salt = wanted.Salt is { } salt && salt != Convert.ToBase64String(account.ScramSalt);
        _missing.AddRange(passwords);
        foreach (var row in there)
            if (_salt || !_missing.Remove(PlanAppPassword.Of(row))) _gone.Add(row);
    }

    /// <summary>What a new account gets, in words.</summary>
    public static string Words(PlanAccount wanted) => wanted.AppPasswords switch
    {
        null or { Count: 0 } => "",
        { Count: 1 } one => $" with app password \"{one[0].Name}\"",
        { } more => $" with app passwords {string.Join(", ", more.Select(p => $"\"{p.Name}\""))}",
    };

    public IEnumerable<string> Differences()
    {
        foreach (var password in _missing)
        {
            var before = _gone.Find(row => Same(row, password));
            if (before is null) yield return $"new app password \"{password.Name}\"";
            else if (_salt || PlanAppPassword.Of(before).Keys != password.Keys) yield return $"another app password \"{password.Name}\"";
            else yield return $"other limits of app password \"{password.Name}\"";
        }
        foreach (var row in _gone)
            if (!_missing.Exists(p => Same(row, p))) yield return $"no more app password \"{row.Name}\"";
    }

    public void Apply(DirectoryTables tables)
    {
        foreach (var row in _gone) tables.RemoveAppPassword(row.Id);
        if (_salt) tables.SetScramSalt(_account.Id, Convert.FromBase64String(_wanted.Salt!));
        foreach (var password in _missing)
        {
            if (!PlanAppPassword.TryKeys(password.Keys, out var keys)) throw new AccountRefusal("plan", $"accounts.{_wanted.Address}: no keys of app password \"{password.Name}\"");
            tables.AddAppPassword(_account.Id, password.Name, keys.Hash, keys.StoredKey, keys.ServerKey, keys.Iterations, password.Scopes, password.Expires);
        }
    }

    static bool Same(AppPasswordRow row, PlanAppPassword password) => row.Name.Equals(password.Name, StringComparison.OrdinalIgnoreCase);
}
