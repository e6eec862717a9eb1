using Posthorn.Accounts.Routes;
using Posthorn.Delivery.Outbound;
using Posthorn.Delivery.Queue;
using Posthorn.Storage.Queue;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Delivery.Queue;

public class WindowTests
{
    [Fact]
    public void It_grows_by_one_for_each_window_of_successes_up_to_its_bound()
    {
        var window = new Window(5, 8);
        for (var n = 0; n < 5; n++) window.Good(5);
        window.Size.ShouldBe(6);
        for (var n = 0; n < 100; n++) window.Good(8);
        window.Size.ShouldBe(8);
    }

    [Fact]
    public void One_that_is_not_used_does_not_grow()
    {
        var window = new Window(5, 20);
        for (var n = 0; n < 100; n++) window.Good(1);
        window.Size.ShouldBe(7);
    }

    [Fact]
    public void Each_refusal_takes_one_away_but_never_the_last()
    {
        var window = new Window(5, 20);
        for (var n = 0; n < 3; n++) window.Busy();
        window.Size.ShouldBe(2);
        for (var n = 0; n < 30; n++) window.Busy();
        window.Size.ShouldBe(1);
    }

    [Fact]
    public void A_window_of_failures_closes_it_and_then_it_starts_slowly()
    {
        var window = new Window(5, 20);
        var down = 0;
        while (!window.Down()) down++;
        down.ShouldBe(3);
        window.Size.ShouldBe(1);
        window.Down().ShouldBeTrue(); // the probe
        window.Good(1);
        window.Size.ShouldBe(2);
        window.Good(2);
        window.Size.ShouldBe(3);
    }

    [Fact]
    public void A_success_between_failures_keeps_it_open()
    {
        var window = new Window(5, 20);
        for (var n = 0; n < 50; n++)
        {
            window.Down().ShouldBeFalse();
            window.Good(5);
        }
    }

    static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    static WaitingRecipient Row(long id, string domain, int attempts = 0, long message = 0) =>
        new(id, message == 0 ? id : message, $"u{id}@{domain}", domain, "s@example.test", SchedulerRig.Start, attempts, null);

    [Fact]
    public void Destinations_have_their_turn_and_places_are_bounded()
    {
        var board = new Board(SchedulerRig.Plain with { Deliveries = 12 });
        for (var i = 0; i < 30; i++) board.Offer(Row(i, $"d{i % 3}.example"), RouteBook.Mx, default).ShouldBeTrue();
        var first = new List<Parcel>();
        while (board.Next(default) is { } parcel) first.Add(parcel);
        // Unknown destinations: each gets one more while less than half of the places are taken, then they wait.
        first.Take(6).Select(p => p.Lane.Key).ShouldBe(["d0.example", "d1.example", "d2.example", "d0.example", "d1.example", "d2.example"]);
        first.Count.ShouldBe(6);
        board.End(first[0], DestinationHealth.Good, null, default);
        // The one that has shown that it works may have all up to its window; the place it had before is another's.
        var more = new List<Parcel>();
        while (board.Next(default) is { } parcel) more.Add(parcel);
        more.Count(p => p.Lane.Key == "d0.example").ShouldBe(4); // five at once, of which one goes on
        more.Count.ShouldBe(5);
    }

    [Fact]
    public void Long_deliveries_leave_the_places_of_others_but_are_bounded_too()
    {
        var board = new Board(SchedulerRig.Plain with { Deliveries = 4, ConcurrencyStart = 5 });
        for (var i = 0; i < 400; i++) board.Offer(Row(i, $"tar{i % 40}.example"), RouteBook.Mx, default);
        var going = new List<Parcel>();
        for (var t = 0; t < 600; t++)
            while (board.Next(t * Second) is { } parcel) going.Add(parcel);
        board.Active.ShouldBeLessThanOrEqualTo(4 * 4);
        going.Count.ShouldBe(board.Active);
    }

    [Fact]
    public void A_rate_is_kept()
    {
        var board = new Board(SchedulerRig.Plain);
        var route = RouteBook.Mx with { Settings = new RouteSettings(Rate: 6) };
        for (var i = 0; i < 100; i++) board.Offer(Row(i, "far.example"), route, default);
        var started = new List<int>();
        for (var t = 0; t < 120; t++)
            while (board.Next(t * Second) is { } parcel)
            {
                started.Add(t);
                board.End(parcel, DestinationHealth.Good, null, t * Second);
            }
        started.ShouldBe([0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110]);
        board.NextChange.ShouldBe(120 * Second);
    }

    [Theory]
    [InlineData(null, 300)]
    [InlineData(20, 20)]
    [InlineData(900, 300)]
    public void A_rest_is_never_longer_than_a_first_retry_waits(int? retryFirst, int rest) =>
        new Lane("far.example", RouteBook.Mx with { Settings = new RouteSettings(RetryFirst: retryFirst * Second) }, SchedulerRig.Plain).Rest.ShouldBe(rest * Second);

    [Fact]
    public void Fresh_and_tried_take_turns()
    {
        var board = new Board(SchedulerRig.Plain with { ConcurrencyStart = 1, ConcurrencyMost = 1 });
        for (var i = 0; i < 50; i++) board.Offer(Row(i, "far.example", attempts: 3), RouteBook.Mx, default);
        for (var i = 50; i < 55; i++) board.Offer(Row(i, "far.example"), RouteBook.Mx, default);
        var order = "";
        while (order.Length < 12 && board.Next(default) is { } parcel)
        {
            order += parcel.Fresh ? 'f' : 't';
            board.End(parcel, DestinationHealth.Good, null, default);
        }
        order.ShouldBe("ftftftftfttt");
    }

    [Fact]
    public void Recipients_of_one_message_go_together_up_to_the_bound()
    {
        var board = new Board(SchedulerRig.Plain with { Recipients = 3 });
        for (var i = 0; i < 7; i++) board.Offer(Row(i, "far.example", message: 9), RouteBook.Mx, default);
        for (var i = 7; i < 9; i++) board.Offer(Row(i, "near.example", message: 9), RouteBook.Mx, default);
        var parcels = new List<Parcel>();
        while (board.Next(default) is { } parcel) parcels.Add(parcel);
        parcels.Select(p => (p.Lane.Key, p.Waiting.Count)).ShouldBe([("far.example", 3), ("near.example", 2), ("far.example", 3), ("far.example", 1)]);
    }

    [Fact]
    public void What_waits_for_a_forgiven_destination_is_dialled_and_not_put_off()
    {
        var board = new Board(SchedulerRig.Plain with { ConcurrencyStart = 1 });
        for (var i = 0; i < 10; i++) board.Offer(Row(i, "far.example"), RouteBook.Mx, default);
        board.End(board.Next(default).ShouldNotBeNull(), DestinationHealth.Down, "no host answers", default).ShouldBeTrue();
        board.Next(default).ShouldBeNull();
        board.NextPutOff(default).ShouldNotBeNull().Unsent.ShouldBe("no host answers");
        board.Forgive();
        board.NextPutOff(default).ShouldBeNull();
        board.Next(default).ShouldNotBeNull().Unsent.ShouldBeNull();
    }

    [Fact]
    public void A_full_line_leaves_the_rest_in_the_store_in_order()
    {
        var board = new Board(SchedulerRig.Plain);
        for (var i = 1; i <= 1000; i++) board.Offer(Row(i, "tar.example"), RouteBook.Mx, default).ShouldBe(i <= Board.MostRowsOfLane);
        board.NextRefill(out _, out _).ShouldBeFalse();
        for (var n = 0; n < 5; n++) board.Next(default).ShouldNotBeNull();
        board.Next(default).ShouldBeNull();
        for (var n = 0; n < 150; n++)
        {
            var parcel = board.Lanes.Single().Fresh.Take();
            parcel!.Waiting[0].Id.ShouldBe(n + 6);
        }
        board.HasRoom(true).ShouldBeTrue();
    }
}
