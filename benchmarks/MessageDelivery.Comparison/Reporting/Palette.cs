using MessageDelivery.Comparison.Servers;
using ScottPlot;

namespace MessageDelivery.Comparison.Reporting;

/// <summary>One colour for each server in all plots; ours stands out.</summary>
internal static class Palette
{
    public static readonly Color Paper = Color.FromHex("#FFFFFF");
    public static readonly Color Ink = Color.FromHex("#1F2933");
    public static readonly Color Faint = Color.FromHex("#E4E7EB");
    public static readonly Color Muted = Color.FromHex("#616E7C");

    // Verdana has the same widths, which matters where the viewer's machine lacks the first: an SVG places each letter.
    public const string Font = "DejaVu Sans";

    public static Color Of(string server) => Color.FromHex(server switch
    {
        ServerTable.Ours => "#0B5FD9",
        ServerTable.OursWebSocket => "#0B5FD9",
        ServerTable.Nats or ServerTable.NatsWebSocket => "#E8871E",
        "redis" => "#C8372D",
        "mosquitto" => "#7B4FA3",
        "mqttnet" => "#0F9B8E",
        "garnet" => "#7A9A01",
        "aspnet" => "#7B4FA3",
        "ws" => "#7A9A01",
        "socket.io" => "#0F9B8E",
        _ => "#8A94A0",
    });

    public static float WidthOf(string server) => server == ServerTable.Ours ? 4 : 2;

    public static MarkerShape MarkerOf(string server) => server switch
    {
        ServerTable.Ours => MarkerShape.FilledCircle,
        ServerTable.Nats => MarkerShape.FilledSquare,
        "redis" => MarkerShape.FilledDiamond,
        "mosquitto" => MarkerShape.FilledTriangleUp,
        "mqttnet" => MarkerShape.FilledTriangleDown,
        "garnet" => MarkerShape.OpenSquare,
        _ => MarkerShape.OpenCircle,
    };
}
