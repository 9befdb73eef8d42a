using System.Globalization;
using MessageDelivery.Comparison.Servers;
using ScottPlot;
using ScottPlot.Plottables;
using ScottPlot.TickGenerators;

namespace MessageDelivery.Comparison.Reporting;

/// <summary>Curves of several servers over one axis, on logarithmic scales: callers give logarithms and ticks.</summary>
internal sealed class CurvePlot : IDisposable
{
    private const int Width = 920;
    private const int Height = 520;

    private readonly Plot _plot = new();
    private Func<Scatter>? _drawOurs;
    private double _least = double.PositiveInfinity;
    private double _greatest = double.NegativeInfinity;

    public CurvePlot(string title, string xLabel, string yLabel)
    {
        _plot.Font.Set(Palette.Font);
        _plot.FigureBackground.Color = Palette.Paper;
        _plot.DataBackground.Color = Palette.Paper;
        _plot.Axes.Color(Palette.Muted);
        _plot.Axes.Frame(false);
        _plot.Axes.Bottom.FrameLineStyle.IsVisible = true;
        _plot.Grid.MajorLineColor = Palette.Faint;
        _plot.Axes.Title.Label.Text = title;
        _plot.Axes.Title.Label.FontSize = 19;
        _plot.Axes.Title.Label.ForeColor = Palette.Ink;
        foreach (var (axis, label) in new (IAxis, string)[] { (_plot.Axes.Bottom, xLabel), (_plot.Axes.Left, yLabel) })
        {
            axis.Label.Text = label;
            axis.Label.FontSize = 14;
            axis.Label.Bold = false;
            axis.Label.ForeColor = Palette.Ink;
            axis.TickLabelStyle.FontSize = 13;
            axis.MinorTickStyle.Length = 0;
            axis.MajorTickStyle.Length = 0;
        }
    }

    public bool IsEmpty => _greatest < _least;

    /// <param name="points">Ascending; <c>Y</c> is above zero and not yet a logarithm.</param>
    public void Add(string server, string title, IReadOnlyList<(double X, double Y)> points, bool hasMarkers)
    {
        if (points.Count == 0)
        {
            return;
        }

        _drawOurs = server == ServerTable.Ours ? () => Draw(server, title, points, hasMarkers) : _drawOurs;
        Draw(server, title, points, hasMarkers);
        _least = Math.Min(_least, points.Min(point => point.Y));
        _greatest = Math.Max(_greatest, points.Max(point => point.Y));
    }

    public void Dispose() => _plot.Dispose();

    public void Save(string path, IReadOnlyList<(double X, string Label)> xTicks, Func<double, string> yLabel)
    {
        int from = (int)Math.Floor(Math.Log10(_least));
        int to = (int)Math.Ceiling(Math.Log10(_greatest));
        int[] decades = [.. Enumerable.Range(from, to - from + 1)];
        _plot.Axes.Left.TickGenerator = new NumericManual(
            [.. decades.Select(decade => (double)decade)], [.. decades.Select(decade => yLabel(Math.Pow(10, decade)))]);
        _plot.Axes.Bottom.TickGenerator = new NumericManual([.. xTicks.Select(tick => tick.X)], [.. xTicks.Select(tick => tick.Label)]);
        double margin = 0.03 * (xTicks[^1].X - xTicks[0].X);
        _plot.Axes.SetLimits(xTicks[0].X - margin, xTicks[^1].X + margin, from, to);
        // First in the legend, and yet not hidden below the others.
        _drawOurs?.Invoke().LegendText = "";
        var legend = _plot.ShowLegend(Edge.Right).Legend;
        legend.OutlineWidth = 0;
        legend.ShadowColor = Colors.Transparent;
        legend.BackgroundColor = Palette.Paper;
        legend.FontSize = 14;
        legend.FontColor = Palette.Ink;
        legend.FontName = Palette.Font;
        legend.SymbolWidth = 34;
        SvgFile.Write(path, _plot.GetSvgXml(Width, Height));
    }

    /// <summary>A number of any size as an axis has it: 0.01, 10, 1 k, 1 M.</summary>
    public static string Short(double value) => value switch
    {
        >= 1e6 => string.Create(CultureInfo.InvariantCulture, $"{value / 1e6:0.###} M"),
        >= 1e3 => string.Create(CultureInfo.InvariantCulture, $"{value / 1e3:0.###} k"),
        _ => value.ToString("0.######", CultureInfo.InvariantCulture),
    };

    private Scatter Draw(string server, string title, IReadOnlyList<(double X, double Y)> points, bool hasMarkers)
    {
        var line = _plot.Add.Scatter(points.Select(point => point.X).ToArray(), points.Select(point => Math.Log10(point.Y)).ToArray());
        line.Color = Palette.Of(server);
        line.LineWidth = Palette.WidthOf(server);
        line.LinePattern = server == ServerTable.Floor ? LinePattern.Dashed : LinePattern.Solid;
        line.MarkerShape = hasMarkers ? Palette.MarkerOf(server) : MarkerShape.None;
        line.MarkerSize = hasMarkers ? (server == ServerTable.Ours ? 10 : 8) : 0;
        line.MarkerLineWidth = 2;
        line.LegendText = title;
        return line;
    }
}
