using System.Globalization;
using System.Text.RegularExpressions;
using MessageDelivery.Integration.Tests.CommandLine;
using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Documents;

/// <summary>The table of frames: what the protocol's page says, and what a hub does.</summary>
public sealed partial class FrameTableTests
{
    public static TheoryData<FrameType> Requests =>
        [.. FrameRule.All.Where(rule => !rule.IsFromHub && rule.Type != FrameType.Hello).Select(rule => rule.Type)];

    [Fact]
    public void The_page_has_a_row_for_each_type() => Assert.Equal(
        FrameRule.All.Select(rule => $"0x{(byte)rule.Type:X2} {rule.Name}, flags {rule.Flags}, argument {rule.HasArgument}{(rule.IsFromHub ? "" : $", {rule.MaxLength} bytes")}"),
        from line in File.ReadLines(Repository.File("docs/protocol.md"))
        let row = Row().Match(line)
        where row.Success
        let cells = line.Split('|', StringSplitOptions.TrimEntries)
        let flags = Flag().Matches(cells[3]).Sum(flag => int.Parse(flag.Groups[1].Value, CultureInfo.InvariantCulture))
        let length = cells.Length > 7 ? $", {cells[6].Split(", ")[0].Replace(",", "", StringComparison.Ordinal)} bytes" : ""
        select $"{row.Groups[1].Value} {cells[2]}, flags {flags}, argument {cells[4] != "0"}{length}");

    /// <summary>Each request is carried out as what it is, whole and in parts.</summary>
    [Theory]
    [MemberData(nameof(Requests))]
    public async Task Each_request_has_its_reply(FrameType type)
    {
        var rule = FrameRule.Of(type)!;
        byte[] frame = Frames.Build(type, rule.ReplyFlag, (ushort)(rule.HasArgument ? 1 : 0), new byte[Math.Min(rule.MaxLength, 16)]);
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection client = await RawConnection.ConnectAsync(hub.Endpoint);
        await client.SendAsync(Frames.HelloResumable());
        await client.FrameAsync(FrameType.Welcome);
        if (type == FrameType.Ack)
        {
            frame = Frames.Ack(0);
        }

        await client.SendAsync(frame);
        await client.SendByteByByteAsync(frame);
        await client.SendAsync(Frames.Identity);
        if (type == FrameType.Goodbye)
        {
            await client.ExpectGoodbyeAsync(ProtocolCode.Normal);
            return;
        }

        if (rule.Reply is { } reply)
        {
            await client.FrameAsync(reply);
            await client.FrameAsync(reply);
        }

        await client.FrameAsync(FrameType.IdentityReply);
    }

    [GeneratedRegex(@"^\| `(0x[0-9A-F]{2})` \| [A-Z]+ \|")]
    private static partial Regex Row();

    [GeneratedRegex(@"(\d+)(?:: | [A-Z])")]
    private static partial Regex Flag();
}
