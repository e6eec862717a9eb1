using Posthorn.Accounts;
using Posthorn.Delivery.Routing;
using Posthorn.Wire.Addresses;

namespace Posthorn.Delivery.Inbound;

/// <summary>How a message leaves that an address of ours sends on.</summary>
/// <param name="By">The address of ours.</param>
/// <param name="ReversePath">Empty for the null sender.</param>
/// <param name="Prefix">Header lines before the message: by Delivered-To it is known again when it comes back.</param>
sealed record ForwardedCopy(EmailAddress By, string ReversePath, byte[] Prefix)
{
    internal static IReadOnlyDictionary<EmailAddress, ForwardedCopy> None { get; } = new Dictionary<EmailAddress, ForwardedCopy>();

    /// <summary>One for each address of ours that sends this message on.</summary>
    internal static async ValueTask<IReadOnlyDictionary<EmailAddress, ForwardedCopy>> OfAsync(Recipients recipients, EmailAddress? sender, byte[] common, Router router, CancellationToken ct)
    {
        if (!recipients.AnyForwarded) return None;
        var copies = new Dictionary<EmailAddress, ForwardedCopy>();
        foreach (var target in recipients.Targets)
        {
            if (target.Destination is not Destination.Foreign { ForwardedBy: { } by } || target.Looped || copies.ContainsKey(by)) continue;
            var path = sender is null ? "" : (await router.ForwardSenderAsync(sender, by, ct).ConfigureAwait(false)).ToString();
            copies.Add(by, new ForwardedCopy(by, path, TraceHeader.Forwarded(by, common)));
        }
        return copies;
    }
}
