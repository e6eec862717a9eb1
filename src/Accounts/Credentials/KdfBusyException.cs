namespace Posthorn.Accounts.Credentials;

/// <summary>More password checks are waiting than may wait: try later.</summary>
sealed class KdfBusyException() : Exception("too many password checks are waiting");
