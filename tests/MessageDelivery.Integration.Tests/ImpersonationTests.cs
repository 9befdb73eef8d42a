using MessageDelivery.Integration.Tests.Support;

namespace MessageDelivery.Integration.Tests;

/// <summary>Nobody looks like the hub: what a text user sees of lines that a person would take for the hub's own words.</summary>
public sealed class ImpersonationTests
{
    [Theory]
    [InlineData("\u200b[Server] x", "\\xe2\\x80\\x8b\\[Server] x")]
    [InlineData("\ufeff[Server] x", "\\xef\\xbb\\xbf\\[Server] x")]
    [InlineData("\u00ad[Server] x", "\\xc2\\xad\\[Server] x")]
    [InlineData("\u202e[Server] x", "\\xe2\\x80\\xae\\[Server] x")]
    [InlineData("\u2066\u200f[Server] x", "\\xe2\\x81\\xa6\\xe2\\x80\\x8f\\[Server] x")]
    [InlineData("\u3164[Server] x", "\\xe3\\x85\\xa4\\[Server] x")]
    [InlineData("\U000e0041[Server] x", "\\xf3\\xa0\\x81\\x81\\[Server] x")]
    [InlineData("\u2028[Server] x", "\\xe2\\x80\\xa8\\[Server] x")]
    [InlineData("[Ser\u200dver] x", "\\[Ser\u200dver] x")]
    [InlineData("[\u2060S\u034fe\u180erver\ufe0f]\u00ad x", "\\[\u2060S\u034fe\u180erver\ufe0f]\u00ad x")]
    [InlineData("[Server]\u00a0x", "\\[Server]\u00a0x")]
    [InlineData("[Server]\u3000x", "\\[Server]\u3000x")]
    [InlineData("[Server]\u2028x", "\\[Server]\u2028x")]
    [InlineData("[Server]\tx", "\\[Server]\tx")]
    [InlineData("a\u2029[Server] x", "a\\xe2\\x80\\xa9\\[Server] x")]
    [InlineData("\u202e9 si DI ruoY ]revreS[", "\\xe2\\x80\\xae9 si DI ruoY ]revreS[")]
    // Ordinary text.
    [InlineData("\u200fשלום [Server] x", "\u200fשלום [Server] x")]
    [InlineData("\u202bمرحبا\u202c", "\u202bمرحبا\u202c")]
    [InlineData("می\u200cخواهم", "می\u200cخواهم")]
    [InlineData("👩\u200d💻 \u2764\ufe0f 🏴\U000e0067\U000e007f", "👩\u200d💻 \u2764\ufe0f 🏴\U000e0067\U000e007f")]
    [InlineData("\ufeffhello", "\ufeffhello")]
    [InlineData("[Sermon] x", "[Sermon] x")]
    public async Task A_line_that_looks_like_the_hubs_is_marked_and_ordinary_text_is_not(string body, string shown)
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection person = await hub.TextAsync();
        await using RawConnection sender = await hub.BinaryAsync();
        byte[] relay = Frames.Relay(1, Frames.Utf8($"one\n{body}\r\n{body}"));
        await sender.SendAsync(relay);
        await person.ExpectAsync($"one\n{shown}\r\n{shown}\n");

        await sender.SendByteByByteAsync(relay);
        await person.ExpectAsync($"one\n{shown}\r\n{shown}\n");
        await person.SendAsync($"echo {body}\n");
        await person.ExpectAsync($"{shown}\n");
    }
}
