using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Posthorn.Imap.Threads;
using Posthorn.Mime.Threads;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Imap;

/// <summary>The pure parts of SORT and THREAD (RFC 5256).</summary>
public class ThreadingTests
{
    [Theory]
    [InlineData("Re: hello", "hello", true)]
    [InlineData("Re[2]: Fwd: FW: hello", "hello", true)]
    [InlineData("re : [list] hello (fwd) (fwd)", "hello", true)]
    [InlineData("[list] [sub] hello", "hello", false)]
    [InlineData("[list] Re: hello", "hello", true)]
    [InlineData("[only]", "[only]", false)]
    [InlineData("[a] [only]", "[only]", false)]
    [InlineData("[fwd: Re: hello]", "hello", true)]
    [InlineData("[Fwd: [fwd: x]]", "x", true)]
    [InlineData("[fwd: hello", "[fwd: hello", false)]
    [InlineData("  a \t\r\n b  ", "a b", false)]
    [InlineData("Re:", "", true)]
    [InlineData("regard", "regard", false)]
    [InlineData("fwd", "fwd", false)]
    [InlineData("", "", false)]
    [InlineData("[fwd:]", "", true)]
    public void Base_subjects(string subject, string text, bool reply) => BaseSubject.Of(subject).ShouldBe(new BaseSubject(text, reply));

    static string Draw(byte b) => (b % 12) switch
    {
        0 => "re",
        1 => ":",
        2 => "[",
        3 => "]",
        4 => " ",
        5 => "fwd",
        6 => "(fwd)",
        7 => "[fwd:",
        8 => "[a]",
        9 => "Re: ",
        10 => "\t",
        _ => "x",
    };

    [Fact]
    public void A_base_subject_is_its_own() => Check.QuickThrowOnFailure(Prop.ForAll(ArbMap.Default.ArbFor<byte[]>(), bytes =>
    {
        var first = BaseSubject.Of(string.Concat(bytes.Select(Draw)));
        BaseSubject.Of(first.Text).ShouldBe(new BaseSubject(first.Text, false));
    }));

    [Theory]
    [InlineData("[a]")]
    [InlineData("[fwd:")]
    [InlineData("re: ")]
    [InlineData("[")]
    [InlineData("(fwd)")]
    public void Long_subjects_cost_no_more_than_their_length(string piece)
    {
        // Quadratic work on so much would take hours.
        var text = string.Concat(Enumerable.Repeat(piece, 1_000_000));
        BaseSubject.Of(text + "]").Text.Length.ShouldBeLessThanOrEqualTo(text.Length + 1);
    }

    [Fact]
    public void Message_ids_are_normalized()
    {
        MessageIdList.Read("<\"01KF8JCEOCBS0045PS\"@xxx.yyy.com> words <01KF8JCEOCBS0045PS@xxx.yyy.com>").ShouldBe(["01KF8JCEOCBS0045PS@xxx.yyy.com", "01KF8JCEOCBS0045PS@xxx.yyy.com"]);
        MessageIdList.Read("<a\r\n @b> <none> <@x> <x@> <<c@d>> <\"e\\\">f\"@g> <open@x").ShouldBe(["a@b", "c@d", "e\">f@g"]);
        var many = MessageIdList.Read(string.Concat(Enumerable.Range(0, 1000).Select(i => $"<{i}@x>")));
        (many.Count, many[0], many[^1]).ShouldBe((MessageIdList.Most, "0@x", "999@x"));
    }

    static ThreadMessage Message(int index, string? id, string[] references, string subject = "", bool reply = false, int? day = null) =>
        new(index, id, references, subject, reply, DateTimeOffset.UnixEpoch.AddDays(day ?? index), DateTimeOffset.UnixEpoch.AddDays(index));

    static string Text(IEnumerable<ThreadNode> threads)
    {
        var text = new StringBuilder();
        foreach (var thread in threads) Write(thread, text);
        return text.ToString();

        static void Write(ThreadNode node, StringBuilder text) =>
            text.Append('(').Append(node.Message?.Index.ToString() ?? "").Append(string.Concat(node.Children.Select(c => { var t = new StringBuilder(); Write(c, t); return t.ToString(); }))).Append(')');
    }

    [Fact]
    public void The_tree_of_the_response_section() => Text(References.Thread(
    [
        Message(2, "2", []), Message(3, "3", []), Message(4, "4", ["3", "6"]), Message(6, "6", ["3"]), Message(7, "7", ["3", "6", "44"]),
        Message(23, "23", ["6", "4"]), Message(44, "44", ["6"]), Message(96, "96", ["7"]),
    ])).ShouldBe("(2)(3(6(4(23))(44(7(96)))))");

    [Fact]
    public void Siblings_of_a_parent_that_is_not_there() =>
        Text(References.Thread([Message(3, "3", ["gone"]), Message(5, "5", ["gone"]), Message(6, "6", ["lost", "away"])])).ShouldBe("((3)(5))(6)");

    [Fact]
    public void Subjects_bring_threads_together()
    {
        Text(References.Thread([Message(1, "1", [], "s"), Message(2, "2", [], "s", reply: true)])).ShouldBe("(1(2))");
        Text(References.Thread([Message(1, "1", [], "s"), Message(2, "2", [], "s")])).ShouldBe("((1)(2))");
        Text(References.Thread([Message(1, "1", [], "s", reply: true), Message(2, "2", [], "s")])).ShouldBe("(2(1))");
        Text(References.Thread([Message(1, "1", ["x"], "s"), Message(2, "2", ["x"], "s"), Message(3, "3", [], "s"), Message(4, "4", [], "")])).ShouldBe("((1)(2)(3))(4)");
        Text(References.ThreadByArrival([Message(1, "1", [], "s"), Message(2, "2", [], "s", reply: true)])).ShouldBe("(1)(2)");
    }

    [Fact]
    public void Loops_are_not_made() => Text(References.Thread([Message(1, "1", ["2"]), Message(2, "2", ["1"]), Message(3, "3", ["3"]), Message(4, "1", ["1"])]))
        .ShouldBe("(2(1(4)))(3)");

    static ThreadMessage[] Drawn(byte[] bytes)
    {
        var messages = new List<ThreadMessage>();
        for (var i = 0; i + 4 < bytes.Length; i += 5)
            messages.Add(Message(i / 5, bytes[i] % 5 == 0 ? null : $"m{bytes[i] % 16}", [.. bytes[(i + 1)..(i + 1 + bytes[i + 1] % 4)].Select(b => $"m{b % 16}")],
                $"s{bytes[i + 4] % 4}".Replace("s0", ""), bytes[i + 3] % 2 == 0, bytes[i + 2] % 8));
        return [.. messages];
    }

    [Fact]
    public void Every_message_is_in_one_place_whatever_it_refers_to() => Check.One(Config.QuickThrowOnFailure.WithMaxTest(500), Prop.ForAll(ArbMap.Default.ArbFor<byte[]>(), bytes =>
    {
        var messages = Drawn([.. bytes, .. bytes.Reverse(), .. bytes]);
        foreach (var threads in new[] { References.Thread(messages), References.ThreadByArrival(messages), OrderedSubject.Thread(messages) })
        {
            var all = ThreadNode.All(threads);
            all.Select(n => n.Message).OfType<ThreadMessage>().Select(m => m.Index).Order().ShouldBe(Enumerable.Range(0, messages.Length));
            all.Where(n => n.Message is null).ShouldAllBe(n => threads.Contains(n) && n.Children.Count > 0);
        }
    }));

    [Fact]
    public void Deep_and_wide_mailboxes_are_threaded_without_recursion()
    {
        const int Many = 100_000;
        var chain = Enumerable.Range(0, Many).Select(i => Message(i, $"{i}", i == 0 ? [] : [$"{i - 1}"])).ToArray();
        var threads = References.Thread(chain);
        ThreadNode.All(threads).Count.ShouldBe(Many);
        threads.Count.ShouldBe(1);
        // A chain of messages that are not there, below it all the others.
        var absent = Enumerable.Range(0, Many).Select(i => Message(i, $"m{i}", [.. Enumerable.Range(i, 10).Select(n => $"no{n}")])).ToArray();
        ThreadNode.All(References.Thread(absent)).Count(n => n.Message is not null).ShouldBe(Many);
    }
}
