namespace Posthorn.Accounts;

/// <summary>An administrator's wish that is not granted: nothing was changed.</summary>
/// <param name="code">A short word for programs: bad-input, not-found, exists, in-use, target, loop, domain, account, pattern, password, plan, busy.</param>
/// <param name="text">The reason in words, without a full stop.</param>
public sealed class AccountRefusal(string code, string text) : Exception(text)
{
    public string Code { get; } = code;
}
