using Posthorn.Accounts.Routes;
using Posthorn.Storage.Queue;
using Posthorn.Wire.Addresses;

namespace Posthorn.Delivery.Queue;

/// <summary>Which route a queued recipient takes: what the queue was told by hand, else what the routes say. Not thread-safe.</summary>
sealed class RouteChoice(Func<RouteBook> current)
{
    const int MostByHand = 1000;

    readonly Dictionary<string, Route> _byHand = [];
    RouteBook _book = RouteBook.Empty;

    /// <summary>Takes the routes as they are now; true when they are others than before.</summary>
    internal bool Refresh()
    {
        var book = current();
        if (ReferenceEquals(book, _book)) return false;
        // The picture is also made anew when an account changes.
        if (book.All.SequenceEqual(_book.All)) return false;
        _book = book;
        _byHand.Clear();
        return true;
    }

    internal Route Of(WaitingRecipient row)
    {
        if (row.Via is { Length: > 0 } via && ByHand(via) is { } byHand) return byHand;
        // Whoever cannot be read takes the common way; the delivery agent says what is wrong with it.
        if (_book.All.Count == 0 || EmailAddress.TryParse(row.Address) is not { } recipient) return RouteBook.Mx;
        return Of(recipient, row.ReversePath.Length == 0 ? null : EmailAddress.TryParse(row.ReversePath));
    }

    internal Route Of(EmailAddress recipient, EmailAddress? sender) => _book.All.Count == 0 ? RouteBook.Mx : _book.Find(recipient, sender);

    Route? ByHand(string via)
    {
        if (_byHand.TryGetValue(via, out var known)) return known;
        if (!Transport.TryParse(via, out var transport, out _)) return null;
        // A smart host that a route knows keeps its login and its bounds.
        var settings = new RouteSettings();
        foreach (var route in _book.All)
            if (route.Transport == transport)
            {
                settings = route.Settings;
                break;
            }
        if (_byHand.Count >= MostByHand) _byHand.Clear();
        return _byHand[via] = new Route(0, RouteKind.Default, "", transport, settings, "by hand");
    }
}
