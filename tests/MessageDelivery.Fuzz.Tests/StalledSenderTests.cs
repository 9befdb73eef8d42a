using System.Text;
using MessageDelivery.Fuzz.InProcess;
using MessageDelivery.Protocol;

namespace MessageDelivery.Fuzz.Tests;

/// <summary>When a pause ends a body, on a clock that stands still.</summary>
public sealed class StalledSenderTests
{
    private const string Sent = "[Server] Sent after a pause of 1 s; a line with only \".\" ends a body at once\n";

    // A loop looks at its deadlines every 16 ms.
    private static readonly TimeSpan Slack = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    [Fact]
    public void It_ends_when_nothing_has_come_for_a_second_and_not_before()
    {
        using var scene = new Scene();
        scene.Say("relay\n1\nfoo ");
        scene.Hub.Wait(Pause - Slack);
        scene.Say("bar ");
        scene.Hub.Wait(Pause - Slack);
        scene.Expect("", "");

        scene.Hub.Wait(2 * Slack);

        scene.Expect("foo bar ", Sent);
        scene.Say("relay\n1\nbaz");
        scene.Hub.Wait(Pause + Slack);
        scene.Expect("baz", "");
    }

    [Fact]
    public void It_reads_once_more_before_it_decides()
    {
        using var scene = new Scene();
        scene.Say("relay\n1\nfoo ");

        scene.Hub.Wait(Pause + Slack, () => scene.Sender.Send("bar\n.\nidentity\n"u8));

        scene.Expect("foo bar", "[Server] Your ID is 2\n");
    }

    [Fact]
    public void A_half_close_in_the_last_moment_is_no_pause()
    {
        using var scene = new Scene();
        scene.Say("relay\n1\nfoo");

        scene.Hub.Wait(Pause + Slack, scene.Sender.HalfClose);

        scene.Expect("foo", "");
    }

    [Fact]
    public void Time_in_which_the_loop_stood_still_does_not_count()
    {
        using var scene = new Scene();
        scene.Say("relay\n1\nfoo ");
        scene.Hub.Wait(Pause * 10);
        scene.Expect("", "");
        scene.Say("bar\n.\n");
        scene.Expect("foo bar", "");

        scene.Say("relay\n1\nbaz");
        scene.Hub.Wait(Pause * 10);
        scene.Hub.Wait(Pause + Slack);
        scene.Expect("baz", Sent);
    }

    [Fact]
    public void Telnets_negotiation_is_no_line_and_puts_nothing_off()
    {
        using var hub = new SteppedHub();
        var person = hub.Connect();
        hub.Send(person, [0xFF, 0xFB, 0x1F, 0xFF]);
        hub.Wait(Pause + Slack);
        hub.Send(person, [0xFD, 0x01, 0xEF, 0xBB, 0xBF, .. "identity\r\0"u8]);
        hub.Settle();

        Assert.Equal("[Server] Your ID is 1\n", Encoding.UTF8.GetString([.. person.Received]));
        hub.End();
    }

    private sealed class Scene : IDisposable
    {
        private readonly SteppedPeer _receiver;

        public Scene()
        {
            _receiver = Hub.Join(Company.Hello);
            Sender = Hub.Join("identity\n"u8);
        }

        public SteppedHub Hub { get; } = new();

        public SteppedPeer Sender { get; }

        public void Say(string text)
        {
            Hub.Send(Sender, Encoding.UTF8.GetBytes(text));
            Hub.Settle();
        }

        /// <summary>The body that has been delivered, none if it is empty, and what the sender was told.</summary>
        public void Expect(string body, string told)
        {
            byte[] delivery = new byte[ProtocolLimits.DeliveryHeaderBytes];
            new DeliveryHeader(2, body.Length).Write(delivery);
            Assert.Equal(body.Length == 0 ? [] : [.. delivery, .. Encoding.UTF8.GetBytes(body)], _receiver.Received);
            Assert.Equal(told, Encoding.UTF8.GetString([.. Sender.Received]));
            _receiver.Received.Clear();
            Sender.Received.Clear();
        }

        public void Dispose()
        {
            Hub.End();
            Hub.Dispose();
        }
    }
}
